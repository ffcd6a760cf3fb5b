/** Memory, disk and cores of this machine. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';

/** Watts that a server's core draws under load, roughly; the default of a plan. */
export const WATTS_PER_CORE = 10;

/** Resources of a machine for a run. */
export interface Machine {
  /** Memory that a process can get: the machine's, or the limit of its container. */
  readonly memoryBytes: number;
  /** Free on the disk of the folder of runs. */
  readonly diskBytes: number;
  readonly cores: number;
}

/** The machine, with the disk of `folder` or of its nearest parent that exists. */
export async function readMachine(folder: string): Promise<Machine> {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const held = process.constrainedMemory();
  const memoryBytes = held > 0 ? Math.min(held, totalmem()) : totalmem();
  return { memoryBytes, diskBytes: bavail * bsize, cores: availableParallelism() };
}

/** Bytes as `1.2 GB`, `34 MB` or `5 kB`. */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
