/**
 * Sends signals to a tiny run at random instants, and checks the outcome.
 * Usage, after a build: node scripts/reliability/signals.mjs [instants] [seed]   (default 50)
 * SIGTERM, SIGINT and SIGUSR1 must end it within 10 s with 143, 130 or 138 and everything saved; a second signal at once; SIGHUP, a closed
 * standard output and a clock that jumps must change nothing; a second process must be refused by the pid and host of the first.
 */
import { hostname } from 'node:os';
import {
  ahpa,
  conclude,
  fingerprint,
  newest,
  random,
  reached,
  rows,
  start,
  tinyRun,
  workFolder,
} from './harness.mjs';

const INSTANTS = Number(process.argv[2] ?? 50);
const draw = random(Number(process.argv[3] ?? 1));
const CODES = { SIGTERM: 143, SIGINT: 130, SIGUSR1: 138 };
const runs = workFolder();
const failures = [];
const seconds = [];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const endless = (name) => tinyRun(runs, name, { 'train.steps': 1_000_000, 'train.checkpointEvery': 5 });

for (let instant = 0; instant < INSTANTS; instant++) {
  const signal = Object.keys(CODES)[instant % 3];
  const run = start(endless('run'), { env: { FAULT_CLOCK: '1' } });
  const from = rows(runs, 'run').at(-1)?.step ?? 0;
  await reached(run, runs, 'run', from + 1);
  run.child.kill('SIGHUP');
  run.child.stdout.destroy();
  await wait(1000 * draw());
  if (instant % 10 === 0) {
    const second = await ahpa(endless('run'));
    const named = second.output.includes(`Process ${run.child.pid} on ${hostname()}`);
    if (second.code !== 1 || !named) failures.push(`a second process was not refused: ${second.output}`);
  }
  const begin = performance.now();
  run.child.kill(signal);
  const { code, output } = await run.ended;
  seconds.push((performance.now() - begin) / 1000);
  const [saved, last] = [(await newest(runs, 'run'))?.step, rows(runs, 'run').at(-1)?.step];
  if (code !== CODES[signal]) failures.push(`${signal} ended with ${code}: ${output}`);
  if (saved !== last) failures.push(`${signal}: ${last} steps done, ${saved} saved`);
  if (seconds.at(-1) > 10) failures.push(`${signal} took ${seconds.at(-1)} s`);
}

const run = start(endless('run'));
await reached(run, runs, 'run', (rows(runs, 'run').at(-1)?.step ?? 0) + 1);
run.child.kill('SIGTERM');
run.child.kill('SIGTERM');
const twice = await run.ended;
if (twice.code !== 143) failures.push(`two signals ended with ${twice.code}`);

const end = { 'train.steps': ((await newest(runs, 'run'))?.step ?? 0) + 5, 'train.checkpointEvery': 5 };
for (const name of ['run', 'undisturbed']) await ahpa(tinyRun(runs, name, end));
const [disturbed, whole] = [await fingerprint(runs, 'run'), await fingerprint(runs, 'undisturbed')];
if (JSON.stringify(disturbed) !== JSON.stringify(whole))
  failures.push(`${JSON.stringify(disturbed)} is not ${JSON.stringify(whole)}`);
conclude(failures, {
  instants: INSTANTS,
  slowestSeconds: Number(Math.max(...seconds).toFixed(2)),
  ...disturbed,
});
