/** Fails on dependencies and imports that are not allowed (docs/architecture.md), one line for each. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const TFJS = '@tensorflow/tfjs-core';
const SHARED = ['@ahpa/ports', '@ahpa/ops'];
const ALL = () => true;
const only =
  (...names) =>
  (name) =>
    names.includes(name);

/**
 * Allowed imports of each package, and whether Node's own modules are among them. `nodeEntry` is the folder of a second entry for
 * Node, with its additional imports; the other sources may not import it.
 */
const ROOMS = {
  'packages/ports': { allows: only(TFJS), node: false },
  'packages/options': { allows: only('zod', 'fastest-levenshtein'), node: false },
  'packages/ops': { allows: only(TFJS, '@ahpa/ports'), node: false },
  'packages/messages': { allows: only(), node: true },
  'packages/file-lock': { allows: only('@ahpa/messages'), node: true },
  'packages/vae-hierarchy': { allows: only(TFJS, ...SHARED), node: false },
  'packages/dit-core': { allows: only(TFJS, ...SHARED), node: false },
  'packages/dynamic-router': { allows: only(TFJS, ...SHARED, '@ahpa/options', 'zod'), node: false },
  'packages/alignment-losses': { allows: only(TFJS, ...SHARED, '@ahpa/options', 'zod'), node: false },
  'packages/trainer': { allows: only(TFJS, ...SHARED), node: false },
  'packages/evaluation': {
    allows: only(TFJS, 'ml-matrix', 'pure-rand'),
    node: false,
    nodeEntry: {
      folder: 'src/node',
      allows: only(
        '@ahpa/engine',
        '@ahpa/image-data',
        '@ahpa/libtensorflow',
        '@ahpa/messages',
        '@ahpa/weight-files',
        'tar-stream',
      ),
    },
  },
  'packages/recoverability': {
    allows: only(TFJS, 'ml-matrix', '@ahpa/messages', '@ahpa/trainer', ...SHARED),
    node: false,
  },
  'packages/weight-files': { allows: only(), node: true },
  'packages/checkpoint': { allows: only('@ahpa/messages', '@ahpa/weight-files'), node: true },
  'packages/hub-files': {
    allows: only(
      '@ahpa/checkpoint',
      '@ahpa/file-lock',
      '@ahpa/messages',
      '@ahpa/weight-files',
      '@huggingface/hub',
    ),
    node: true,
  },
  'packages/latent-cache': {
    allows: only('@ahpa/weight-files', 'koffi', 'zod'),
    node: true,
  },
  'packages/image-data': { allows: (name) => !name.startsWith('@ahpa/'), node: true },
  'packages/emoji-data': {
    allows: (name) =>
      !name.startsWith('@ahpa/') || ['@ahpa/checkpoint', '@ahpa/image-data', '@ahpa/messages'].includes(name),
    node: true,
  },
  'packages/sit-weights': { allows: only(), node: false },
  'packages/sit-models': {
    allows: only(
      TFJS,
      '@ahpa/checkpoint',
      '@ahpa/dit-core',
      '@ahpa/messages',
      '@ahpa/sit-weights',
      '@ahpa/weight-files',
    ),
    node: true,
  },
  'packages/event-files': { allows: (name) => !name.startsWith('@ahpa/'), node: true },
  'packages/emoji-vae': { allows: only(), node: false },
  'packages/libtensorflow': {
    allows: (name) => !name.startsWith('@ahpa/') || ['@ahpa/messages', ...SHARED].includes(name),
    node: true,
  },
  'packages/engine': {
    allows: only(
      TFJS,
      '@tensorflow/tfjs',
      '@tensorflow/tfjs-backend-wasm',
      '@ahpa/libtensorflow',
      '@ahpa/messages',
      '@ahpa/weight-files',
      ...SHARED,
    ),
    node: true,
  },
  'packages/image-features': {
    allows: only(
      TFJS,
      '@ahpa/emoji-vae',
      '@ahpa/engine',
      '@ahpa/evaluation',
      '@ahpa/file-lock',
      '@ahpa/hub-files',
      '@ahpa/image-data',
      '@ahpa/latent-cache',
      '@ahpa/libtensorflow',
      '@ahpa/messages',
      '@ahpa/options',
      '@ahpa/recoverability',
      '@ahpa/vae-hierarchy',
      '@ahpa/weight-files',
      'ml-matrix',
      'zod',
      ...SHARED,
    ),
    node: true,
  },
  'packages/vae-training': {
    allows: only(
      TFJS,
      '@ahpa/checkpoint',
      '@ahpa/emoji-data',
      '@ahpa/engine',
      '@ahpa/image-data',
      '@ahpa/messages',
      '@ahpa/trainer',
      '@ahpa/vae-hierarchy',
      '@ahpa/weight-files',
      ...SHARED,
    ),
    node: true,
  },
  'packages/bench': {
    allows: only(
      TFJS,
      '@ahpa/alignment-losses',
      '@ahpa/dit-core',
      '@ahpa/dynamic-router',
      '@ahpa/engine',
      '@ahpa/evaluation',
      '@ahpa/libtensorflow',
      '@ahpa/messages',
      '@ahpa/trainer',
      '@ahpa/vae-hierarchy',
      ...SHARED,
    ),
    node: true,
  },
  'apps/*': { allows: ALL, node: true },
  'examples/*': { allows: ALL, node: true },
  'tooling/*': { allows: ALL, node: true },
};

/**
 * The layers inside a package, from the lowest: folders of its src, or names of files there. A layer is a name, or a list of names
 * beside each other, which may not import one another; each imports only from itself and from layers below it.
 */
const LAYERS = {
  'apps/train': [
    'files',
    'data',
    'config',
    'records',
    'models',
    'sampling',
    'evaluation',
    'tasks',
    'run',
    ['plan', 'export'],
    'experiments',
    'cli',
    'program',
    'main',
  ],
};

const GROUPS = ['packages', 'apps', 'examples', 'tooling'];
const folders = (path) =>
  existsSync(path) ? readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];

/** Every package of the workspace: folder, name and run-time dependencies. */
function readPackages(root) {
  return GROUPS.flatMap((group) =>
    folders(join(root, group)).flatMap(({ name }) => {
      const path = `${group}/${name}`;
      const file = join(root, path, 'package.json');
      if (!existsSync(file)) return [];
      const manifest = JSON.parse(readFileSync(file, 'utf8'));
      const depends = {
        ...manifest.dependencies,
        ...manifest.peerDependencies,
        ...manifest.optionalDependencies,
      };
      return [{ path, group, name: manifest.name, depends: Object.keys(depends) }];
    }),
  );
}

const roomOf = ({ path, group }) => ROOMS[path] ?? ROOMS[`${group}/*`];

/** The package that an import names: `@scope/name` of `@scope/name/deep/path`. */
const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function sources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((file) => /\.[cm]?[jt]s$/.test(file))
    .map((file) => join(folder, file));
}

/** Whether a path inside a package lies in the folder of its Node entry. */
const inNodeEntry = (room, path) =>
  room.nodeEntry !== undefined && path.startsWith(room.nodeEntry.folder + sep);

/** The room of one file: that of its package, opened to Node in the folder of a Node entry. */
function roomOfFile(room, path) {
  if (!inNodeEntry(room, path)) return room;
  return { ...room, allows: (name) => room.allows(name) || room.nodeEntry.allows(name), node: true };
}

function checkRelative(specifier, where, from, target, path, room) {
  if (target.startsWith('..')) return [`${where}: ${specifier} leaves ${path}; import the package instead`];
  return inNodeEntry(room, target) && !inNodeEntry(room, from)
    ? [`${where}: ${specifier} is for Node alone; only ${room.nodeEntry.folder} may import it`]
    : [];
}

function checkImport(specifier, file, root, { path, name }, packageRoom, tooling) {
  const where = relative(root, file);
  const from = relative(path, where);
  if (specifier.startsWith('.')) {
    const target = relative(join(root, path), resolve(dirname(file), specifier));
    return checkRelative(specifier, where, from, target, path, packageRoom);
  }
  const room = roomOfFile(packageRoom, from);
  if (specifier.startsWith('node:'))
    return room.node ? [] : [`${where}: ${path} may not import ${specifier}, so that it runs anywhere`];
  const imported = packageOf(specifier);
  if (imported === name) return [];
  if (tooling.has(imported)) return [`${where}: ${imported} is for tests and builds, not for src`];
  return room.allows(imported) ? [] : [`${where}: ${path} may not import ${imported}`];
}

/** The layer that a file in src belongs to: its first folder, or its own name without the extension. */
const layerName = (file) => file.split(/[\\/]/)[0].replace(/\.[cm]?[jt]s$/, '');

function checkLayerOf(where, from, to, heights) {
  if (from === to) return [];
  if (!heights.has(to))
    return [`${where}: ${to} is in no layer; add it to LAYERS in scripts/check-arrows.mjs`];
  return heights.get(to) < heights.get(from)
    ? []
    : [`${where}: ${from} may not import ${to}, which is not below it`];
}

/** Wrong arrows between the layers of a package; none where it has no layers. */
function checkLayers(root, { path }, layers = []) {
  if (layers.length === 0) return [];
  const heights = new Map(layers.flatMap((names, height) => [names].flat().map((name) => [name, height])));
  const src = join(root, path, 'src');
  return sources(src).flatMap((file) => {
    const where = relative(root, file);
    const from = layerName(relative(src, file));
    if (!heights.has(from))
      return [`${where}: ${from} is in no layer; add it to LAYERS in scripts/check-arrows.mjs`];
    const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
    return importedFiles
      .filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => relative(src, resolve(dirname(file), fileName)))
      .filter((target) => !target.startsWith('..'))
      .flatMap((target) => checkLayerOf(where, from, layerName(target), heights));
  });
}

function checkPackage(root, pack, tooling) {
  const room = roomOf(pack);
  if (!room)
    return [`${pack.path}: is in no room; add it to scripts/check-arrows.mjs and docs/architecture.md`];
  const declared = pack.depends.flatMap((name) => {
    if (tooling.has(name)) return [`${pack.path}/package.json: ${name} may only be in devDependencies`];
    return room.allows(name) || room.nodeEntry?.allows(name)
      ? []
      : [`${pack.path}/package.json: ${pack.path} may not depend on ${name}`];
  });
  const imported = sources(join(root, pack.path, 'src')).flatMap((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
    return importedFiles.flatMap(({ fileName }) => checkImport(fileName, file, root, pack, room, tooling));
  });
  return [...declared, ...imported];
}

/** The first cycle of dependencies, if there is one. */
function findCycle(packages) {
  const byName = new Map(packages.map((pack) => [pack.name, pack]));
  const safe = new Set();
  const visit = (pack, trail) => {
    if (trail.includes(pack)) return [...trail.slice(trail.indexOf(pack)), pack];
    if (safe.has(pack)) return undefined;
    for (const name of pack.depends) {
      const cycle = byName.has(name) && visit(byName.get(name), [...trail, pack]);
      if (cycle) return cycle;
    }
    safe.add(pack);
    return undefined;
  };
  for (const pack of packages) {
    const cycle = visit(pack, []);
    if (cycle) return cycle;
  }
  return undefined;
}

/** The names of a cycle from the alphabetically first one round to itself, wherever the search met it. */
function fromFirstName(cycle) {
  const names = cycle.slice(1).map(({ name }) => name);
  const start = names.indexOf([...names].sort()[0]);
  return [...names.slice(start), ...names.slice(0, start), names[start]];
}

/** Every wrong arrow of the workspace at `root`, between packages and between the layers inside them, as lines of text. */
export function checkArrows(root, layers = LAYERS) {
  const packages = readPackages(root);
  const tooling = new Set(packages.filter(({ group }) => group === 'tooling').map(({ name }) => name));
  const wrong = packages.flatMap((pack) =>
    checkPackage(root, pack, pack.group === 'tooling' ? new Set() : tooling),
  );
  wrong.push(...packages.flatMap((pack) => checkLayers(root, pack, layers[pack.path])));
  const cycle = findCycle(packages);
  return cycle ? [...wrong, `cycle: ${fromFirstName(cycle).join(' -> ')}`] : wrong;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const wrong = checkArrows(root);
  for (const line of wrong) process.stderr.write(`${line}\n`);
  if (wrong.length > 0)
    process.stderr.write(`${wrong.length} wrong arrows; docs/architecture.md shows the right ones\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
