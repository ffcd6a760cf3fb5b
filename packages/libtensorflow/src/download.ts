/** Downloads one pinned wheel with the user's own pip, so that index, proxy and certificate settings hold. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { userError } from '@ahpa/messages';
import { runPip } from './pip.ts';
import type { Wheel } from './wheels.ts';

/** Options of `downloadWheel`. */
export interface DownloadOptions {
  /** Command that starts Python. */
  readonly python: string;
  /** Called with the bytes of this wheel that have arrived. */
  readonly onBytes: (done: number) => void;
}

const POLL_MS = 200;

/** Bytes of the largest wheel, whole or partial, in a folder. */
async function wheelBytes(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = files
    .filter((file) => file.endsWith('.whl'))
    .map((file) => stat(join(folder, file)).catch(() => ({ size: 0 })));
  return Math.max(0, ...(await Promise.all(sizes)).map(({ size }) => size));
}

/** Reports the progress of a download into `folder`, monotonically, until `ended` settles. */
async function watch(
  folder: string,
  ended: Promise<unknown>,
  onBytes: (done: number) => void,
): Promise<void> {
  let running = true;
  const stop = (): void => {
    running = false;
  };
  ended.then(stop, stop);
  for (let most = 0; running; await sleep(POLL_MS)) {
    const bytes = await wheelBytes(folder);
    if (running && bytes > most) onBytes(bytes);
    most = Math.max(most, bytes);
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function wheelIn(folder: string): Promise<string | undefined> {
  const files = await readdir(folder).catch(() => []);
  const name = files.find((file) => file.endsWith('.whl'));
  return name && join(folder, name);
}

/**
 * Downloads `wheel` into `folder`/<name> and checks its sha256; a complete wheel left by an interrupted run is kept.
 * Returns the path of the file.
 * @throws Error (user error) where Python, pip or the network fails, or the file has another hash
 */
export async function downloadWheel(wheel: Wheel, folder: string, options: DownloadOptions): Promise<string> {
  const { python, onBytes } = options;
  const own = join(folder, wheel.name);
  const temporary = join(own, 'partial');
  const left = await wheelIn(own);
  if (left && (await sha256(left)) === wheel.sha256) return left;
  await rm(own, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const download = runPip(wheel, own, temporary, python);
  await Promise.all([download, watch(own, download, (bytes) => onBytes(Math.min(bytes, wheel.bytes)))]);
  const path = await wheelIn(own);
  if (!path)
    throw userError(`pip downloaded no wheel of ${wheel.name} ${wheel.version}; run the same command again.`);
  const found = await sha256(path);
  if (found !== wheel.sha256) {
    await rm(own, { recursive: true, force: true });
    throw userError(
      `The downloaded ${wheel.name} ${wheel.version} is not the pinned file (sha256 ${found} instead of ${wheel.sha256}): set PIP_INDEX_URL to an index you trust, such as PyPI, and run the same command again.`,
    );
  }
  return path;
}
