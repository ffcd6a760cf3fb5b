/**
 * Lets the disk of a tiny run fill up at ten offsets, and makes it read-only (needs root, for a 64 MB tmpfs).
 * Usage, after a build: node scripts/reliability/disk.mjs
 * Each time the run must end with exit code 1 and one sentence, the checkpoint before must stay valid, and with room it must go on.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ahpa, conclude, fingerprint, newest, say, tinyRun, workFolder } from './harness.mjs';

const runs = workFolder();
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', runs]);
const failures = [];
const EVERY = 5;
const run = (steps) => ahpa(tinyRun(runs, 'run', { 'train.steps': steps, 'train.checkpointEvery': EVERY }));
const free = () => {
  const { bavail, bsize } = statfsSync(runs);
  return bavail * bsize;
};
try {
  const { code, output } = await run(EVERY);
  if (code !== 0) failures.push(`the first run: ${output}`);
  const expectFailure = async (what, pattern) => {
    const before = await newest(runs, 'run');
    const { code, output } = await run(1_000_000);
    const after = await newest(runs, 'run');
    const sentence = output.split('\n').find((line) => line.startsWith('error:')) ?? '';
    say(
      `${what}: exit code ${code}, "${sentence.slice(0, 120)}", checkpoint ${before.step} -> ${after?.step}`,
    );
    if (code !== 1 || !pattern.test(sentence)) failures.push(`${what}: ${code} ${output}`);
    if (!after || after.step < before.step)
      failures.push(`${what}: no valid checkpoint of step ${before.step} any more`);
    if (/saved/i.test(output)) failures.push(`${what}: says "saved"`);
  };
  for (let offset = 0; offset < 10; offset++) {
    const left = 8192 + offset * 45_056;
    writeFileSync(join(runs, 'ballast'), Buffer.alloc(Math.max(0, free() - left)));
    await expectFailure(`${left} bytes left`, /No space is left on the disk/);
    rmSync(join(runs, 'ballast'));
  }
  execFileSync('mount', ['-o', 'remount,ro', runs]);
  await expectFailure('read-only', /The file system is read-only/);
  execFileSync('mount', ['-o', 'remount,rw', runs]);
  const end = (await newest(runs, 'run')).step + EVERY;
  const last = await run(end);
  if (last.code !== 0) failures.push(`with room again: ${last.output}`);
  await ahpa(tinyRun(runs, 'undisturbed', { 'train.steps': end, 'train.checkpointEvery': EVERY }));
  const [a, b] = [await fingerprint(runs, 'run'), await fingerprint(runs, 'undisturbed')];
  if (JSON.stringify(a) !== JSON.stringify(b))
    failures.push(`${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
  conclude(failures, { offsets: 10, ...a });
} finally {
  execFileSync('umount', ['-l', runs]);
}
