/**
 * One process at a time in a folder: a file names the process that holds the lock; other processes are refused with that name, and the
 * lock of a dead holder is taken over. Clocks are never compared: a local process is looked up by its id and start time, one on another
 * machine by its heartbeat.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { userError } from '@ahpa/messages';
import { LockHeldError } from './lock-held-error.ts';

/** Interval of the heartbeat, and the time without one after which a holder on another machine is dead. */
const BEAT_MS = 5_000;
const WATCH_MS = 60_000;

/** The process that holds a lock. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Boot of a machine and its process namespace. */
  readonly machine: string;
  /** Start time, which distinguishes the process from a later one with the same id. */
  readonly start: string;
  readonly since: string;
}

/** A lock that is held. */
export interface Lock {
  /**
   * Checks that the lock is still held.
   * @throws Error (user error) where another process has taken it over
   */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock `path`.
 * @throws LockHeldError that names the holder, where a live process holds it
 */
export async function takeLock(
  path: string,
  say: (text: string) => void,
  watchMs: number = WATCH_MS,
): Promise<Lock> {
  const own = JSON.stringify(self());
  const temporary = `${path}.${process.pid}.${crypto.randomUUID()}`;
  await writeFile(temporary, own);
  try {
    while (!(await linked(temporary, path))) await removeStale(path, say, watchMs);
  } finally {
    await rm(temporary, { force: true });
  }
  const beat = setInterval(
    () => utimes(path, new Date(), new Date()).catch(() => undefined),
    BEAT_MS,
  ).unref();
  const isOwn = async (): Promise<boolean> => (await readText(path)) === own;
  return {
    check: async () => {
      if (!(await isOwn()))
        throw userError(`${path} is no longer this process's: ${holderText(await readHolder(path))}.`);
    },
    release: async () => {
      clearInterval(beat);
      if (await isOwn()) await rm(path, { force: true });
    },
  };
}

/** Holder of the lock `path`; undefined where it is free. */
export async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readText(path);
  return text === undefined ? undefined : parseHolder(text);
}

/** Whether a holder is alive; undefined for a process on another machine or in another namespace. */
export function isAlive({ pid, machine, start }: Holder): boolean | undefined {
  if (machine !== machineId()) return undefined;
  return readStartTime(pid) === start && exists(pid);
}

async function removeStale(path: string, say: (text: string) => void, watchMs: number): Promise<void> {
  const text = await readText(path);
  if (text === undefined) return;
  const holder = parseHolder(text);
  const alive = isAlive(holder) ?? (await showsLife(path, holder, say, watchMs));
  if (alive) {
    throw new LockHeldError(
      `${holderText(holder)} is at work in this folder (${path}): stop it first, or choose another --name.`,
    );
  }
  say(`Taking over from ${holderText(holder)}, which is gone.`);
  const old = `${path}.${process.pid}.${crypto.randomUUID()}`;
  await rename(path, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if ((await readText(old)) !== text) await linked(old, path); // another process was faster: its lock goes back
  await rm(old, { force: true });
}

/** Whether a process on another machine touches its lock within the time. */
async function showsLife(
  path: string,
  holder: Holder,
  say: (text: string) => void,
  watchMs: number,
): Promise<boolean> {
  say(`${holderText(holder)} was at work in this folder: waiting ${watchMs / 1000} s for a sign of life.`);
  const touched = async (): Promise<number | undefined> => (await stat(path).catch(() => undefined))?.mtimeMs;
  const before = await touched();
  for (let waited = 0; waited < watchMs; waited += 500) {
    await sleep(Math.min(500, watchMs));
    if ((await touched()) !== before) return true;
  }
  return false;
}

async function linked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

const readText = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

function parseHolder(text: string): Holder {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return { pid: 0, host: 'an unknown machine', machine: '', start: '', since: 'an unknown time' };
  }
}

const holderText = (holder: Holder | undefined): string =>
  holder === undefined
    ? 'the file is gone'
    : `Process ${holder.pid} on ${holder.host} (since ${holder.since})`;

const self = (): Holder => ({
  pid: process.pid,
  host: hostname(),
  machine: machineId(),
  start: readStartTime(process.pid),
  since: new Date().toISOString(),
});

function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Boot and process namespace on Linux, the host's name elsewhere. */
const machineId = (): string => {
  const boot = quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  return boot === '' ? hostname() : `${boot} ${quietly(() => readlinkSync('/proc/self/ns/pid'))}`;
};

/** When a process started, in clock ticks since boot; '' where that cannot be read. */
const readStartTime = (pid: number): string =>
  quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').split(' ')[20] ?? '');

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
