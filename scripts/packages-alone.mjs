/** Every package installed as a user would: packed, with the packages of its README's install command and no others. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packAll } from './packages.mjs';
import { environment, findPnpm, ROOT } from './pnpm.mjs';
import { installedBy, programOf } from './readmes.mjs';

/** The catalog of pnpm-workspace.yaml, so that other packages have the tested versions. */
const readCatalog = () =>
  /^catalog:\n(?: .*\n)+/m.exec(readFileSync(join(ROOT, 'pnpm-workspace.yaml'), 'utf8'))[0];

/** Settings under which a package finds only what it declares (no hoisting), and peers come along as with npm. */
const settings = (packages) =>
  [
    'packages: ["*"]',
    'hoistPattern: [long]', // which tfjs needs and does not declare
    'autoInstallPeers: true',
    'strictPeerDependencies: true',
    'peerDependencyRules: { ignoreMissing: [seedrandom] }', // as above
    'preferOffline: true',
    'overrides:',
    ...packages.map(({ manifest, tarball }) => `  "${manifest.name}": "file:${tarball}"`),
    readCatalog(),
  ].join('\n');

function manifestOf({ manifest: { name } }, readme) {
  const names = [name, ...installedBy(readme), '@types/node'];
  const dependencies = names.map((other) => [other, other.startsWith('@ahpa/') ? '*' : 'catalog:']);
  return { private: true, type: 'module', dependencies: Object.fromEntries(dependencies) };
}

/** A module that imports every entry of a package that has types. */
function importsOf({ name, exports }) {
  const entries = Object.keys(exports).filter((entry) => exports[entry].types);
  const lines = entries.map((entry, i) => `import * as entry${i} from '${name}${entry.slice(1)}';`);
  return `${lines.join('\n')}\nexport default [${entries.map((_, i) => `entry${i}`)}];\n`;
}

/**
 * Packs every library and installs each in a separate folder under `root`, which must be empty: `name`, `folder`, and in it
 * `readme.js`, the program of its README, and `types.ts`, which imports all it has.
 * @throws where packing or the installation fails, with what pnpm printed.
 */
export function installAlone(root) {
  const all = packAll(root);
  const libraries = all.filter(({ folder }) => folder.startsWith('packages/'));
  const installed = libraries.map((library) => {
    const { name } = library.manifest;
    const folder = join(root, name.split('/')[1]);
    const readme = readFileSync(join(ROOT, library.folder, 'README.md'), 'utf8');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifestOf(library, readme)));
    writeFileSync(join(folder, 'readme.js'), programOf(readme));
    writeFileSync(join(folder, 'types.ts'), importsOf(library.manifest));
    return { name, folder };
  });
  writeFileSync(join(root, 'package.json'), '{ "private": true }');
  writeFileSync(join(root, 'pnpm-workspace.yaml'), settings(all));
  const [command, ...words] = findPnpm().pnpm;
  const install = [...words, 'install', '--ignore-scripts', '--no-frozen-lockfile'];
  const { status, stdout, stderr } = spawnSync(command, install, {
    cwd: root,
    env: environment(),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`pnpm install failed: ${stdout}${stderr}`);
  return installed;
}
