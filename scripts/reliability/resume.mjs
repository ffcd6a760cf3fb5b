/**
 * 1,000 steps straight against 1,000 steps with 20 kills at random steps, three of them in the first epoch: the state (weights, averages,
 * moments, counters) and the list of losses must be equal bit for bit.
 * Usage, after a build: node scripts/reliability/resume.mjs [steps] [kills] [seed] [precision]   (default 1000 20 1 float32)
 */
import { ahpa, conclude, fingerprint, random, reached, start, tinyRun, workFolder } from './harness.mjs';

const [steps, kills, seed] = [1000, 20, 1].map((value, i) => Number(process.argv[2 + i] ?? value));
const precision = process.argv[5] ?? 'float32';
const draw = random(seed);
const EPOCH = 11; // 45 images in batches of 4
const chosen = Array.from({ length: kills }, (_, k) =>
  Math.ceil(k < 3 ? draw() * EPOCH : draw() * (steps - 2)),
);
const places = chosen.sort((a, b) => a - b);
const runs = workFolder();
const set = { 'train.steps': steps, 'train.checkpointEvery': 4, 'train.precision': precision };
const failures = [];

for (const place of places) {
  const run = start(tinyRun(runs, 'killed', set));
  await reached(run, runs, 'killed', place);
  run.child.kill('SIGKILL');
  const { signal, output } = await run.ended;
  if (signal !== 'SIGKILL') failures.push(`the kill at step ${place} came too late: ${output}`);
}
for (const name of ['killed', 'straight']) {
  const { code, output } = await ahpa(tinyRun(runs, name, set));
  if (code !== 0) failures.push(`${name}: ${output}`);
}
const [killed, straight] = [await fingerprint(runs, 'killed'), await fingerprint(runs, 'straight')];
if (JSON.stringify(killed) !== JSON.stringify(straight)) failures.push(`got ${JSON.stringify(killed)}`);
conclude(failures, { precision, killsAt: places, ...straight });
