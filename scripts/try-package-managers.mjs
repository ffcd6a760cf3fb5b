/**
 * Proves that a stranger's `npm i @ahpa/libtensorflow` works: packs it, installs the tarball into empty folders with
 * several package managers, and trains a step under several versions of Node.
 *
 *   node scripts/try-package-managers.mjs [npm npm@10 npm@11 pnpm yarn] [--node 22 --node 24]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environment, findPnpm, ROOT } from './pnpm.mjs';

const PEER = '@tensorflow/tfjs-core@4.22.0';

/** How each manager is started and adds packages, with install scripts allowed where it knows them. */
const MANAGERS = {
  npm: ['npm', 'install', '--ignore-scripts=false', '--no-audit', '--no-fund'],
  'npm@10': ['npx', '--yes', 'npm@10', 'install', '--ignore-scripts=false', '--no-audit', '--no-fund'],
  'npm@11': ['npx', '--yes', 'npm@11', 'install', '--ignore-scripts=false', '--no-audit', '--no-fund'],
  pnpm: ['npx', '--yes', 'pnpm@10', 'add'],
  yarn: ['npx', '--yes', 'yarn@1', 'add', '--non-interactive'],
};

const PROGRAM = `
import { compile, deviceState, useTensorFlow } from '@ahpa/libtensorflow';
import * as tf from '@tensorflow/tfjs-core';
await useTensorFlow();
const x = tf.tensor2d([[1, 2], [3, 4]]);
const loss = (w) => tf.mean(tf.square(tf.sub(tf.matMul(x, w), 1)));
const state = deviceState({ w: tf.zeros([2, 1]) });
const step = compile(({ w }) => {
  const { value, grads } = tf.valueAndGrads(loss)([w]);
  return { state: { w: tf.sub(w, tf.mul(0.01, grads[0])) }, loss: value };
});
const losses = Array.from({ length: 20 }, () => step(state).loss.dataSync()[0]);
if (!(losses.at(-1) < losses[0])) throw new Error('the loss did not fall: ' + losses);
console.log(process.version, tf.getBackend(), 'loss', losses[0], '->', losses.at(-1).toFixed(4));
`;

function run(cwd, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: environment(),
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(`${[command, ...args].join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
  return stdout.trim();
}

function pack(folder) {
  const built = join(ROOT, 'packages', 'libtensorflow', 'dist', 'index.js');
  if (!existsSync(built)) throw new Error('packages/libtensorflow is not built: run `npm run setup` first');
  const [command, ...args] = findPnpm().pnpm;
  run(join(ROOT, 'packages', 'libtensorflow'), command, [...args, 'pack', '--pack-destination', folder]);
  return join(
    folder,
    readdirSync(folder).find((file) => file.endsWith('.tgz')),
  );
}

/** Every installed package whose install script would fail. */
const unwanted = (folder) =>
  readdirSync(join(folder, 'node_modules'), { recursive: true }).filter((path) =>
    /tfjs-node(-gpu)?$/.test(path),
  );

function tryManager(name, tarball, folder, nodes) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  const [command, ...args] = MANAGERS[name];
  run(folder, command, [...args, tarball, PEER]);
  const found = unwanted(folder);
  if (found.length > 0) throw new Error(`${name} installed ${found.join(', ')}`);
  for (const node of nodes) {
    const [start, ...rest] =
      node === 'this' ? [process.execPath] : ['npx', '--yes', '-p', `node@${node}`, 'node'];
    console.log(`${name}: ${run(folder, start, [...rest, 'program.js'])}`);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string', multiple: true, default: ['this'] } },
});
const names = positionals.length > 0 ? positionals : Object.keys(MANAGERS);
const folder = mkdtempSync(join(tmpdir(), 'package-managers-'));
try {
  const tarball = pack(folder);
  for (const name of names) tryManager(name, tarball, join(folder, name), values.node);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
