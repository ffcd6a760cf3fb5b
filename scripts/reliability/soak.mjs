/**
 * Hours of training with a SIGKILL at a random moment every MIN to MAX seconds, restarted each time by the same command.
 * Usage, after a build: node scripts/reliability/soak.mjs [hours] [min] [max] [folder]   (default 4 180 420, a fresh folder)
 * Each session is a line of soak.jsonl in the folder; the same folder again goes on with the hours that are left. The undisturbed run
 * at the end takes about as long again. Fails unless every restart goes on from a valid checkpoint, at most two intervals are lost, and
 * the end equals the undisturbed run's bit for bit.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ahpa, conclude, fingerprint, newest, rows, say, start, tinyRun, workFolder } from './harness.mjs';

const [hours, min, max] = [4, 180, 420].map((value, i) => Number(process.argv[2 + i] ?? value));
const folder = resolve(process.argv[5] ?? workFolder());
const EVERY = 500;
const log = join(folder, 'soak.jsonl');
const soakRun = (name, steps) =>
  tinyRun(folder, name, {
    'train.backend': 'tensorflow',
    'train.steps': steps,
    'train.reportEvery': EVERY / 10,
    'train.checkpointEvery': EVERY,
  });

/** One session until its kill: how long it lived, what it left, and the most memory that a row of it tells of. */
async function session(number) {
  const before = (await newest(folder, 'run'))?.step ?? 0;
  const run = start(soakRun('run', 1_000_000_000));
  const time = setTimeout(() => run.child.kill('SIGKILL'), 1000 * (min + (max - min) * Math.random()));
  const { code, signal, output, seconds } = await run.ended;
  clearTimeout(time);
  if (signal !== 'SIGKILL') throw new Error(`session ${number} ended with ${code ?? signal}: ${output}`);
  const step = (await newest(folder, 'run'))?.step ?? 0;
  const own = rows(folder, 'run').filter((row) => row.step > before);
  const lost = (own.at(-1)?.step ?? step) - step;
  return { session: number, seconds, from: before, step, lost, peak: Math.max(0, ...own.map(memoryOf)) };
}

const memoryOf = ({ memory }) => memory;

mkdirSync(folder, { recursive: true });
say(`${log}: ${hours} h, a kill every ${min} to ${max} s`);
const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
const sessions = lines.filter(Boolean).map((line) => JSON.parse(line));
const lived = () => sessions.reduce((sum, { seconds }) => sum + seconds, 0);
while (lived() < hours * 3600) {
  sessions.push(await session(sessions.length + 1));
  const line = JSON.stringify(sessions.at(-1));
  appendFileSync(log, `${line}\n`);
  say(line);
}

const failures = sessions.flatMap(({ session, from, step, lost }) => [
  ...(step < from ? [`session ${session}: back from ${from} to ${step}`] : []),
  ...(lost > 2 * EVERY ? [`session ${session}: ${lost} steps lost`] : []),
]);
const end = ((await newest(folder, 'run'))?.step ?? 0) + EVERY;
rmSync(join(folder, 'undisturbed'), { recursive: true, force: true });
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
