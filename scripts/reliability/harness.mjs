/** Shared parts of the reliability scripts: a tiny run of the built trainer, started, killed, and compared with an undisturbed one. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'apps/train/dist/main.mjs');
const FAULTS = new URL('faults.mjs', import.meta.url).href;
const checkpoints = () => import(pathToFileURL(join(ROOT, 'packages/checkpoint/dist/index.js')).href);

/** A fresh folder for runs. */
export const workFolder = () => mkdtempSync(join(tmpdir(), 'ahpa-reliability-'));

/** The words of a command that trains a network of a few thousand weights on emoji of 32 pixels; `undefined` in `set` leaves a key out. */
export const tinyRun = (runs, name, set = {}) => {
  const keys = {
    'data.size': 32,
    'data.perClass': 6,
    'model.size.hiddenSize': 16,
    'model.size.heads': 2,
    'model.size.depth': 2,
    'alignment.head.hidden': 16,
    'alignment.router.hiddenSize': 8,
    'train.steps': 1000,
    'train.reportEvery': 1,
    'train.checkpointEvery': 25,
    'train.sampleEvery': 100_000,
    'sample.steps': 2,
    ...set,
  };
  const assignments = Object.entries(keys)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return ['train', '--config', 'tiny', '--runs', runs, '--name', name, '--set', ...assignments];
};

/** Starts `ahpa`; `ended` resolves to code, signal, output and seconds. */
export function start(words, { env = {}, stdio = ['ignore', 'pipe', 'pipe'] } = {}) {
  const begin = performance.now();
  const child = spawn(process.execPath, ['--import', FAULTS, MAIN, ...words], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', ...env },
    stdio,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, output, seconds: (performance.now() - begin) / 1000 });
    });
  });
  return { child, ended };
}

/** Runs `ahpa` to its end. */
export const ahpa = (words, options) => start(words, options).ended;

/** Rows of a run's record, a torn last line left out. */
export function rows(runs, name) {
  const path = join(runs, name, 'stats.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Resolves when the record of a run has reached `step`, or its process has ended. */
export async function reached(run, runs, name, step) {
  let over = false;
  run.ended.then(() => (over = true));
  const begun = () => (rows(runs, name).at(-1)?.step ?? 0) >= step;
  while (!over && !begun()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The newest valid checkpoint of a run, or undefined. */
export async function newest(runs, name) {
  const { loadLatest } = await checkpoints();
  return loadLatest(join(runs, name, 'checkpoints')).catch(() => undefined);
}

/** SHA-256 of all tensors of a run's newest checkpoint, and of its list of losses. */
export async function fingerprint(runs, name) {
  const { step, tensors } = await newest(runs, name);
  const hash = createHash('sha256');
  for (const key of Object.keys(tensors).sort()) hash.update(key).update(tensors[key].data);
  const losses = rows(runs, name).map(({ step, loss, gradNorm }) => [step, loss, gradNorm]);
  const losses256 = createHash('sha256').update(JSON.stringify(losses)).digest('hex');
  return { step, rows: losses.length, state: hash.digest('hex'), losses: losses256 };
}

/** Numbers in [0, 1) that follow from a seed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Prints one line. */
export const say = (text) => process.stdout.write(`${text}\n`);

/** Ends the script with the failures, or with the passed checks. */
export function conclude(failures, summary) {
  for (const failure of failures) say(`FAILED: ${failure}`);
  say(`${failures.length === 0 ? 'passed' : 'failed'}: ${JSON.stringify(summary)}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
