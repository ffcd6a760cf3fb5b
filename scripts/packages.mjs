/** The packages of the workspace that are published, and their tarballs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, findPnpm, ROOT } from './pnpm.mjs';

const GROUPS = ['packages', 'apps'];

/** Folder (relative to `root`) and manifest of every published package, in order of folders. */
export function publishedPackages(root = ROOT) {
  return GROUPS.flatMap((group) =>
    readdirSync(join(root, group))
      .sort()
      .map((name) => ({ folder: `${group}/${name}`, file: join(root, group, name, 'package.json') })),
  )
    .filter(({ file }) => existsSync(file))
    .map(({ folder, file }) => ({ folder, manifest: JSON.parse(readFileSync(file, 'utf8')) }))
    .filter(({ manifest }) => !manifest.private);
}

/**
 * Packs every published package into `destination`: the packages, each with the path of its `tarball`.
 * @throws where pnpm fails, with what it printed.
 */
export function packAll(destination) {
  const packages = publishedPackages();
  const [command, ...words] = findPnpm().pnpm;
  const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name]);
  const pack = [...words, '--recursive', ...filters, 'pack', '--pack-destination', destination];
  const { status, stdout, stderr } = spawnSync(command, pack, {
    cwd: ROOT,
    env: environment(),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`pnpm pack failed: ${stdout}${stderr}`);
  return packages.map((found) => {
    const { name, version } = found.manifest;
    const file = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
    return { ...found, tarball: join(destination, file) };
  });
}
