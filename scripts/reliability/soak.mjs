/**
 * Hours of training with a SIGKILL at a random moment every MIN to MAX seconds, restarted each time by the same command, beside an undisturbed run.
 * Usage, after a build: node scripts/reliability/soak.mjs [hours] [min] [max] [folder]   (default 4 180 420, a fresh folder)
 * Each session is a line of soak.jsonl in the folder; the same folder again resumes with the remaining hours. Seconds in which the
 * script is stopped (SIGSTOP) do not count. At the end the other run is killed once, and both go on to one step. Fails unless every
 * restart goes on from a valid checkpoint, at most two intervals are lost, and both runs end equal bit for bit.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ahpa, conclude, fingerprint, newest, rows, say, start, tinyRun, workFolder } from './harness.mjs';

const [hours, min, max] = [4, 180, 420].map((value, i) => Number(process.argv[2 + i] ?? value));
const folder = resolve(process.argv[5] ?? workFolder());
const EVERY = 500;
const FOREVER = 1_000_000_000;
const log = join(folder, 'soak.jsonl');
const soakRun = (name, steps) =>
  tinyRun(folder, name, {
    'train.backend': 'tensorflow',
    'train.steps': steps,
    'train.reportEvery': EVERY / 10,
    'train.checkpointEvery': EVERY,
  });

/** One session until its kill: duration, last step, lost steps and largest memory in its rows. */
async function session(number) {
  const before = (await newest(folder, 'run'))?.step ?? 0;
  const run = start(soakRun('run', FOREVER));
  const { code, signal, output, seconds } = await killAfter(run, min + (max - min) * Math.random());
  if (signal !== 'SIGKILL') throw new Error(`session ${number} ended with ${code ?? signal}: ${output}`);
  const step = (await newest(folder, 'run'))?.step ?? 0;
  const own = rows(folder, 'run').filter((row) => row.step > before);
  const lost = (own.at(-1)?.step ?? step) - step;
  return { session: number, seconds, from: before, step, lost, peak: Math.max(0, ...own.map(memoryOf)) };
}

/** A promise for the end of a run after so many seconds of this script's life, by SIGKILL. */
function killAfter(run, seconds) {
  let lived = 0;
  const clock = setInterval(() => ++lived >= seconds && run.child.kill('SIGKILL'), 1000);
  return run.ended.then((end) => {
    clearInterval(clock);
    return { ...end, seconds: lived };
  });
}

const memoryOf = ({ memory }) => memory;

mkdirSync(folder, { recursive: true });
say(`${log}: ${hours} h, a kill every ${min} to ${max} s`);
const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
const sessions = lines.filter(Boolean).map((line) => JSON.parse(line));
const lived = () => sessions.reduce((sum, { seconds }) => sum + seconds, 0);
const undisturbed = start(soakRun('undisturbed', FOREVER));
while (lived() < hours * 3600) {
  sessions.push(await session(sessions.length + 1));
  const line = JSON.stringify(sessions.at(-1));
  appendFileSync(log, `${line}\n`);
  say(line);
}

undisturbed.child.kill('SIGKILL');
await undisturbed.ended;

const failures = sessions.flatMap(({ session, from, step, lost }) => [
  ...(step < from ? [`session ${session}: back from ${from} to ${step}`] : []),
  ...(lost > 2 * EVERY ? [`session ${session}: ${lost} steps lost`] : []),
]);
const reached = await Promise.all(['run', 'undisturbed'].map((name) => newest(folder, name)));
const end = Math.max(...reached.map(({ step }) => step)) + EVERY;
for (const name of ['run', 'undisturbed']) {
  const { code, output } = await ahpa(soakRun(name, end));
  if (code !== 0) failures.push(`${name}: ${output}`);
}
const [soaked, whole] = [await fingerprint(folder, 'run'), await fingerprint(folder, 'undisturbed')];
if (JSON.stringify(soaked) !== JSON.stringify(whole))
  failures.push(`${JSON.stringify(soaked)} is not ${JSON.stringify(whole)}`);
conclude(failures, {
  hours: Number((lived() / 3600).toFixed(3)),
  kills: sessions.length,
  sessions: sessions.length + 1,
  lostSteps: { interval: EVERY, most: Math.max(...sessions.map(({ lost }) => lost)) },
  peakMB: Math.max(...sessions.map(({ peak }) => peak), ...rows(folder, 'run').map(memoryOf)),
  ...soaked,
});
