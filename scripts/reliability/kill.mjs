/**
 * Kills a tiny run with SIGKILL, at boundaries of its writes and at random times, restarting it each time with the same command.
 * Usage, after a build: node scripts/reliability/kill.mjs [kills] [seed]   (default 200; the first 60 % at boundaries)
 * Fails unless every restart finds a valid checkpoint, at most two intervals are lost, and the end equals an undisturbed run's bit for bit.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ahpa,
  conclude,
  fingerprint,
  newest,
  random,
  reached,
  rows,
  say,
  start,
  tinyRun,
  workFolder,
} from './harness.mjs';

const KILLS = Number(process.argv[2] ?? 200);
const draw = random(Number(process.argv[3] ?? 1));
const EVERY = 25;

/** The kinds of boundary that a session with three saves has, each with the places where it occurs. */
async function boundaryKinds(runs) {
  const log = join(runs, 'log');
  const env = { FAULT_UNDER: join(runs, 'scout'), FAULT_LOG: log };
  await ahpa(tinyRun(runs, 'scout', { 'train.steps': 2 * EVERY }));
  const { code, output } = await ahpa(tinyRun(runs, 'scout', { 'train.steps': 4 * EVERY }), { env });
  if (code !== 0) throw new Error(output);
  const kinds = new Map();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, place, kind] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (place === undefined || kind.includes('samples') || kind.includes('plot')) continue;
    const general = `${place.split(':')[0]} ${kind.replace(/\d{7}/, 'N').replace(/lock\..*/, 'lock')}`;
    kinds.set(general, [...(kinds.get(general) ?? []), place]);
  }
  return kinds;
}

const runs = workFolder();
const kinds = await boundaryKinds(runs);
const names = [...kinds.keys()];
say(`${names.length} kinds of boundary in ${runs}`);
const failures = [];
const lost = [];
const hit = new Set();
let inSave = 0;
for (let kill = 0; kill < KILLS; kill++) {
  const atBoundary = kill < 0.6 * KILLS;
  const kind = names[kill % names.length];
  const places = kinds.get(kind);
  const place = places[Math.floor(draw() * places.length)];
  const before = await newest(runs, 'run');
  const env = atBoundary ? { FAULT_UNDER: join(runs, 'run'), FAULT_KILL: place } : {};
  const run = start(tinyRun(runs, 'run', { 'train.steps': 1_000_000 }), { env });
  if (!atBoundary) await reached(run, runs, 'run', (rows(runs, 'run').at(-1)?.step ?? 0) + 1);
  const time = setTimeout(() => run.child.kill('SIGKILL'), atBoundary ? 60_000 : 2000 * draw());
  const { signal, output } = await run.ended;
  clearTimeout(time);
  const after = await newest(runs, 'run');
  const done = rows(runs, 'run').at(-1)?.step ?? 0;
  if (signal !== 'SIGKILL') failures.push(`kill ${kill} (${kind}): ended with ${signal}: ${output}`);
  if (before && !after) failures.push(`kill ${kill} (${kind}): no valid checkpoint`);
  if (before && after && after.step < before.step)
    failures.push(`kill ${kill}: back from ${before.step} to ${after.step}`);
  const loss = done - (after?.step ?? 0);
  lost.push(loss);
  if (loss > 2 * EVERY) failures.push(`kill ${kill} (${kind}): ${loss} steps lost`);
  if (atBoundary) hit.add(kind);
  if (atBoundary && kind.startsWith('thread')) inSave++;
  if (kill % 20 === 19) say(`${kill + 1} kills, checkpoint ${after?.step}, ${failures.length} failures`);
}
const end = ((await newest(runs, 'run'))?.step ?? 0) + EVERY;
const last = await ahpa(tinyRun(runs, 'run', { 'train.steps': end }));
if (last.code !== 0) failures.push(`the last start: ${last.output}`);
await ahpa(tinyRun(runs, 'undisturbed', { 'train.steps': end }));
const [disturbed, whole] = [await fingerprint(runs, 'run'), await fingerprint(runs, 'undisturbed')];
if (JSON.stringify(disturbed) !== JSON.stringify(whole))
  failures.push(`${JSON.stringify(disturbed)} is not ${JSON.stringify(whole)}`);
const mean = lost.reduce((sum, steps) => sum + steps, 0) / lost.length;
conclude(failures, {
  kills: KILLS,
  kindsHit: hit.size,
  insideSave: inSave,
  lostSteps: { interval: EVERY, mean: Number(mean.toFixed(1)), most: Math.max(...lost) },
  steps: end,
  equal: disturbed.state === whole.state && disturbed.losses === whole.losses,
});
