/**
 * Test of `npm install` as a user runs it: publishes every package to a registry on this machine, installs from it into empty
 * folders with several package managers, and trains, with `@ahpa/libtensorflow` alone and with the trainer, under several versions of Node.
 *
 *   node scripts/try-package-managers.mjs [npm npm@10 npm@11 pnpm yarn] [--node 22 --node 24]
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environment, findPnpm, ROOT } from './pnpm.mjs';
import { startRegistry } from './registry.mjs';

/** Commands with which each manager adds packages, with install scripts allowed where it supports that. */
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

/** Packages to install, arguments of Node that must then work (each version trains its own run), and the expected output. */
const TRIALS = [
  {
    packages: ['@ahpa/libtensorflow', '@tensorflow/tfjs-core@4.22.0'],
    words: () => ['program.js'],
    says: /^v.* loss .*$/m,
  },
  {
    packages: ['@ahpa/train'],
    words: (name) => [
      'node_modules/@ahpa/train/dist/main.mjs',
      ...`train --config tiny --set train.steps=3 --name ${name}`.split(' '),
    ],
    says: /^Done after 3 steps/m,
  },
];

/** Runs a command asynchronously, so that this process can serve it; resolves to its output. */
function run(cwd, [command, ...args], env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...environment(), ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(output.trim());
      else reject(new Error(`${[command, ...args].join(' ')}: ${output}`));
    });
  });
}

async function publishAll({ url, npmrc }, folder) {
  if (!existsSync(join(ROOT, 'apps/train/dist/main.mjs')))
    throw new Error('the packages are not built: run `npm run setup` first');
  const NPM_CONFIG_USERCONFIG = join(folder, 'npmrc');
  writeFileSync(NPM_CONFIG_USERCONFIG, npmrc);
  const folders = readdirSync(join(ROOT, 'packages')).map((name) => join('packages', name));
  const publish = [...findPnpm().pnpm, 'publish', '--no-git-checks', '--ignore-scripts', `--registry=${url}`];
  for (const folder of [...folders, join('apps', 'train')])
    await run(join(ROOT, folder), publish, { NPM_CONFIG_USERCONFIG });
}

/** Installed packages whose install script would fail. */
const unwanted = (folder) =>
  readdirSync(join(folder, 'node_modules'), { recursive: true }).filter((path) =>
    /tfjs-node(-gpu)?$/.test(path),
  );

async function tryManager(name, folder, { packages, words, says }, npmrc, nodes) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  writeFileSync(join(folder, '.npmrc'), `${npmrc}engine-strict=true\n`);
  await run(folder, [...MANAGERS[name], ...packages]);
  const found = unwanted(folder);
  if (found.length > 0) throw new Error(`${name} installed ${found.join(', ')}`);
  for (const node of nodes) {
    const start = node === 'this' ? [process.execPath] : ['npx', '--yes', '-p', `node@${node}`, 'node'];
    const output = await run(folder, [...start, ...words(`node-${node}`)]);
    const [said] = says.exec(output) ?? [];
    if (said === undefined) throw new Error(`${name}, ${packages[0]} on Node ${node}: ${output}`);
    console.log(`${name}, ${packages[0]}: ${said}`);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string', multiple: true, default: ['this'] } },
});
const names = positionals.length > 0 ? positionals : Object.keys(MANAGERS);
const folder = mkdtempSync(join(tmpdir(), 'package-managers-'));
const upstream = await run(folder, ['npm', 'config', 'get', 'registry']);
const registry = await startRegistry(folder, upstream);
try {
  await publishAll(registry, folder);
  for (const name of names) {
    for (const [number, trial] of TRIALS.entries())
      await tryManager(name, join(folder, `${name}-${number}`), trial, registry.npmrc, values.node);
  }
} finally {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
}
