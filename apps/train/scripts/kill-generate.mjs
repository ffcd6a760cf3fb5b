/**
 * Kills `ahpa generate` with SIGKILL at random moments until its output is complete, does the same with two processes that
 * share an output, and compares the bytes with those of an undisturbed run. Needs the built program and a run:
 * node apps/train/scripts/kill-generate.mjs RUN [images] [sampler steps]. Prints what it saw; exits with 1 where bytes differ.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [run, images = '2000', steps = '50'] = process.argv.slice(2);
if (run === undefined) throw new Error('Name a run.');
const program = fileURLToPath(new URL('../dist/main.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kill-generate-'));

/** One process; killed after `milliseconds` where they are given. Resolves to its exit code, null where it was killed. */
function generate(out, { milliseconds, shard = '1/1' } = {}) {
  const flags = ['--n', images, '--steps', steps, '--cfg', '1.8', '--interval', '0,0.7', '--sampler', 'sde'];
  const args = [program, 'generate', '--run', run, ...flags, '--out', out, '--shard', shard, '--quiet'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const timer = milliseconds && setTimeout(() => child.kill('SIGKILL'), milliseconds);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** Kills and starts again until the process ends by itself; resolves to the number of kills. */
async function underFire(out, shard, longest) {
  for (let kills = 0; ; kills++) {
    const code = await generate(out, { milliseconds: 1500 + Math.random() * longest, shard });
    if (code === 0) return kills;
    if (code !== null) throw new Error(`exit code ${code}`);
    longest *= 1.1;
  }
}

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

const started = performance.now();
const calm = join(folder, 'calm.npz');
await generate(calm);
const seconds = (performance.now() - started) / 1000;
const wanted = sha256(calm);
process.stdout.write(`undisturbed: ${images} images in ${seconds.toFixed(1)} s, sha256 ${wanted}\n`);

const killed = join(folder, 'killed.npz');
const kills = await underFire(killed, '1/1', 250 * seconds);
process.stdout.write(`killed ${kills} times: sha256 ${sha256(killed)}\n`);

const shared = join(folder, 'shared.npz');
const each = await Promise.all(['1/2', '2/2'].map((shard) => underFire(shared, shard, 400 * seconds)));
process.stdout.write(`two processes, killed ${each.join(' and ')} times: sha256 ${sha256(shared)}\n`);

const left = [killed, shared].flatMap((out) => [`${out}.partial`, `${out}.progress`].filter(existsSync));
if (left.length > 0) throw new Error(`left over: ${left.join(', ')}`);
if ([killed, shared].some((out) => sha256(out) !== wanted)) throw new Error('the bytes differ');
process.stdout.write(`equal; the files are in ${folder}\n`);
