/**
 * Preloaded into the trainer (node --import) by the reliability scripts: kills the process at a chosen boundary of a write, sync, rename
 * or other change in a folder, makes such changes fail, or lets the clock jump. The product contains no test hooks.
 *
 *   FAULT_UNDER=folder        only changes below it count
 *   FAULT_KILL=thread:12      SIGKILL at boundary 12 of the checkpoint thread (or `main`); writes have one in their middle too
 *   FAULT_FAIL=thread:3:ENOSPC  from change 3 on, every change of that thread fails with this code
 *   FAULT_LOG=file            one line for each boundary
 *   FAULT_CLOCK=1             Date.now jumps by days, forth and back
 */
import { appendFileSync, writeSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const { FAULT_UNDER = '/', FAULT_KILL = '', FAULT_FAIL = '', FAULT_LOG, FAULT_CLOCK } = process.env;
const THREAD = isMainThread ? 'main' : 'thread';
const under = resolve(FAULT_UNDER);
const [killThread, killAt] = FAULT_KILL.split(':');
const [failThread, failAt, failCode] = FAULT_FAIL.split(':');
let boundaries = 0;
let changes = 0;

const concerns = (path) => typeof path === 'string' && resolve(path).startsWith(under);

function boundary(name) {
  boundaries++;
  if (FAULT_LOG) appendFileSync(FAULT_LOG, `${THREAD}:${boundaries} ${name}\n`);
  if (THREAD === killThread && boundaries === Number(killAt)) {
    process.kill(process.pid, 'SIGKILL');
    for (;;); // the signal is on its way
  }
}

function change(path) {
  changes++;
  if (THREAD !== failThread || changes < Number(failAt)) return;
  throw Object.assign(new Error(`${failCode}: injected, '${path}'`), { code: failCode, path });
}

const short = (path) => path.slice(under.length + 1) || '.';

async function around(name, path, act) {
  boundary(`before ${name} ${short(path)}`);
  change(path);
  const result = await act();
  boundary(`after ${name} ${short(path)}`);
  return result;
}

for (const name of ['mkdir', 'rename', 'rm', 'link', 'truncate']) {
  const original = promises[name];
  promises[name] = (path, ...rest) =>
    concerns(path) ? around(name, path, () => original(path, ...rest)) : original(path, ...rest);
}

const { appendFile, open } = promises;
promises.appendFile = (path, text, ...rest) =>
  concerns(path)
    ? around('append', path, async () => {
        const half = Buffer.from(text).subarray(0, text.length >> 1);
        await appendFile(path, half);
        boundary(`amid append ${short(path)}`);
        await appendFile(path, Buffer.from(text).subarray(half.length), ...rest);
      })
    : appendFile(path, text, ...rest);

promises.open = async (path, flags, ...rest) => {
  if (!concerns(path)) return open(path, flags, ...rest);
  const file =
    flags === 'r'
      ? await open(path, flags, ...rest)
      : await around('open', path, () => open(path, flags, ...rest));
  const { sync } = file;
  file.write = (data, offset, length) =>
    around('write', path, async () => {
      const half = writeSync(file.fd, data, offset, length >> 1);
      boundary(`amid write ${short(path)}`);
      return { bytesWritten: half + writeSync(file.fd, data, offset + half, length - half), buffer: data };
    });
  file.sync = () => around('sync', path, () => sync.call(file));
  return file;
};

if (FAULT_CLOCK) {
  const now = Date.now;
  Date.now = () => now() + Math.round((Math.random() - 0.5) * 1e9);
}
syncBuiltinESMExports();
