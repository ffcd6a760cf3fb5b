/** Rules for every package.json of the workspace, beside those of sherif. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publishedPackages } from '../packages.mjs';
import { ROOT } from '../pnpm.mjs';

const rootManifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

test.each(publishedPackages().map(({ folder, manifest }) => [folder, manifest]))(
  '%s says what it is, under which license, where it comes from and what Node it needs',
  (folder, manifest) => {
    const repository = { ...publishedPackages()[0].manifest.repository, directory: folder };
    expect(manifest).toMatchObject({ type: 'module', description: expect.any(String), repository });
    expect(manifest.license).toMatch(/^(Apache-2\.0|CC-BY-4\.0)$/);
    const isCode = Object.keys(manifest.exports).includes('.') || manifest.bin !== undefined;
    if (isCode) expect(manifest.engines).toEqual(rootManifest.engines);
    expect(existsSync(join(ROOT, folder, 'README.md'))).toBe(true);
  },
);

const manifests = ['packages', 'apps', 'examples', 'tooling']
  .flatMap((group) => readdirSync(join(ROOT, group)).map((name) => `${group}/${name}/package.json`))
  .filter((file) => existsSync(join(ROOT, file)));

test.each(['package.json', ...manifests])(
  '%s takes every version from the catalog or the workspace',
  (file) => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
    const others = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^(catalog:|workspace:[*^])$/.test(version),
    );
    expect(others).toEqual([]);
  },
);
