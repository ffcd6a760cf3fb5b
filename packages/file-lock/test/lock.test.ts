import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { temporary } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import { type Holder, isAlive, readHolder, takeLock } from '../src/index.ts';

const place = (): string => join(temporary(), 'run.lock');
const silent = (): void => undefined;
const write = (path: string, holder: Partial<Holder>, own: Holder): void =>
  writeFileSync(path, JSON.stringify({ ...own, ...holder }));

/** The holder that this process is. */
async function self(): Promise<Holder> {
  const path = place();
  const lock = await takeLock(path, silent);
  const holder = JSON.parse(readFileSync(path, 'utf8')) as Holder;
  await lock.release();
  return holder;
}

describe('takeLock', () => {
  it('refuses a second process by the pid and host of the first', async () => {
    const path = place();
    const lock = await takeLock(path, silent);
    await expect(takeLock(path, silent)).rejects.toThrow(
      new RegExp(`^Process ${process.pid} on ${hostname()} \\(since .*\\) is at work in this folder`),
    );
    await lock.check();
    await lock.release();
    expect(readdirSync(join(path, '..'))).toEqual([]);
    await (await takeLock(path, silent)).release();
  });

  it('takes over from a process that is gone, also where another has its id now', async () => {
    const own = await self();
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    for (const gone of [{ pid: child.pid as number }, { start: '1' }]) {
      const path = place();
      write(path, gone, own);
      const said: string[] = [];
      const lock = await takeLock(path, (text) => said.push(text));
      expect(said).toEqual([expect.stringMatching(/^Taking over from Process \d+ .*, which is gone\.$/)]);
      expect(await readHolder(path)).toMatchObject({ pid: process.pid });
      await lock.release();
      expect(readdirSync(join(path, '..'))).toEqual([]);
    }
  });

  it('watches a process of another machine for signs of life', async () => {
    const own = await self();
    const path = place();
    write(path, { machine: 'elsewhere', host: 'far' }, own);
    expect(isAlive((await readHolder(path)) as Holder)).toBe(undefined);
    const beat = setInterval(() => utimesSync(path, new Date(), new Date()), 50);
    await expect(takeLock(path, silent, 2000)).rejects.toThrow(/on far .* is at work/);
    clearInterval(beat);
    await (await takeLock(path, silent, 200)).release();
    expect(existsSync(path)).toBe(false);
  });

  it('one of many wins a stale lock', async () => {
    const path = place();
    write(path, { start: '1' }, await self());
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path, silent)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(join(path, '..'))).toEqual(['run.lock']);
  });

  it('notices that it was taken over, and then leaves the other lock alone', async () => {
    const path = place();
    const lock = await takeLock(path, silent);
    write(path, { pid: 1, host: 'far' }, await self());
    await expect(lock.check()).rejects.toThrow(/no longer this process's: Process 1 on far/);
    await lock.release();
    expect(existsSync(path)).toBe(true);
  });

  it('takes a torn lock for one of another machine', async () => {
    const path = place();
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '{"pid":');
    await (await takeLock(path, silent, 100)).release();
  });
});
