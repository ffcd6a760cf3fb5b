import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkReports, reportPackage } from '../api.mjs';

const MANIFEST = {
  name: '@ahpa/one',
  version: '1.0.0',
  exports: { '.': { types: './dist/index.d.ts' }, './package.json': './package.json' },
};
const CHUNK =
  '/** A shape. */\ninterface Shape {\n  /** Its width. */\n  readonly width: number;\n}\nexport { Shape as t };\n';
const INDEX =
  'import { t as Shape } from "./chunk-abc.js";\nimport { z } from "zod";\n/** Doc. */\ndeclare function area(shape: Shape): number;\nexport { area, type Shape };\n';
let root;
let folder;

const write = (path, text) => writeFileSync(join(root, path), text);
const git = (...words) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...words], { cwd: root });
const writeReport = () => write('packages/one/api.md', reportPackage(folder, MANIFEST));

function build(index) {
  write('packages/one/dist/index.d.ts', index);
  write('packages/one/dist/chunk-abc.d.ts', CHUNK);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'api-'));
  folder = join(root, 'packages/one');
  for (const path of ['packages/one/dist', 'apps', '.changeset'])
    mkdirSync(join(root, path), { recursive: true });
  write('packages/one/package.json', JSON.stringify(MANIFEST, null, 2));
  build(INDEX);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a report has exports and declarations, sorted, without comments and names of chunks', () => {
  expect(reportPackage(folder, MANIFEST)).toBe(`# Public surface of @ahpa/one

Written by \`npm run api\`.

## .

- Shape
- area

\`\`\`ts
declare function area(shape: Shape): number;
interface Shape {
    readonly width: number;
}
\`\`\`
`);
});

test('a report that is not that of the build is reported', () => {
  const line = 'packages/one/api.md is not what is built; write it by: npm run api';
  expect(checkReports(root)).toEqual([line]);
  writeReport();
  expect(checkReports(root)).toEqual([]);
  build(INDEX.replace('number;', 'string;'));
  expect(checkReports(root)).toEqual([line]);
});

test('a change since the last version needs a changeset that names the package', () => {
  writeReport();
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'version 1.0.0');
  expect(checkReports(root)).toEqual([]);
  build(INDEX.replace('number;', 'string;'));
  writeReport();
  git('commit', '-qam', 'another result');
  expect(checkReports(root)).toEqual([
    'packages/one/api.md changed since the last version; describe it by: npm run changeset',
  ]);
  write('.changeset/a.md', '---\n"@ahpa/one": minor\n---\n\nAnother result.\n');
  expect(checkReports(root)).toEqual([]);
  expect(readFileSync(join(folder, 'api.md'), 'utf8')).toContain('string');
});
