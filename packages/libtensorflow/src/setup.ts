/**
 * Obtains TensorFlow's C library, once for the machine.
 * lock the cache -> download the pinned wheels with pip -> check sha256 -> unpack two libraries -> rename into place
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSpace, explainDisk, gigabytes } from './disk.ts';
import { downloadWheel } from './download.ts';
import {
  cachedLibrary,
  cacheFolder,
  findLibrary,
  installedLibrary,
  type Library,
  MANIFEST,
  type Manifest,
} from './library.ts';
import { withLock } from './lock.ts';
import { findPythonTensorFlow } from './python.ts';
import { syncFolder, unpack } from './unpack.ts';
import { type Release, releaseFor } from './wheels.ts';

export { type FindOptions, findLibrary, type Library } from './library.ts';

/** Options of `setup`. */
export interface SetupOptions {
  /** Obtain the build for NVIDIA GPUs and the CUDA libraries it needs (3.4 GB). */
  readonly gpu?: boolean;
  /** Default $LIBTENSORFLOW_CACHE, or `libtensorflow` in the user's cache folder. */
  readonly cacheDir?: string;
  /** Called often with the bytes done and the total bytes of each stage. */
  readonly onProgress?: (stage: 'download' | 'unpack', done: number, total: number) => void;
  /** Called with one-sentence notices. */
  readonly say?: (sentence: string) => void;
  /** Command that starts Python; default `python3`. */
  readonly python?: string;
}

type Settled = Required<SetupOptions>;

async function obtain(release: Release, target: string, { python, say, onProgress }: Settled): Promise<void> {
  const staging = `${target}.partial`;
  const files = join(staging, 'files');
  const total = release.wheels.reduce((sum, { bytes }) => sum + bytes, 0);
  await rm(files, { recursive: true, force: true });
  await mkdir(files, { recursive: true });
  await checkSpace(staging, release.diskBytes);
  say(`Downloading TensorFlow ${release.version} (${gigabytes(total)}) with pip.`);
  const archives = [];
  let before = 0;
  for (const wheel of release.wheels) {
    const onBytes = (bytes: number): void => onProgress('download', before + bytes, total);
    const path = await downloadWheel(wheel, join(staging, 'wheels'), { python, onBytes });
    archives.push({ path, keep: wheel.keep });
    before += wheel.bytes;
    onProgress('download', before, total);
  }
  say(`Unpacking into ${target}.`);
  const sizes = await unpack(
    archives,
    files,
    (done, all) => onProgress('unpack', done, all),
    ({ path }) => rm(path),
  );
  const manifest: Manifest = { version: release.version, files: sizes };
  await writeFile(join(files, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, { flush: true });
  await syncFolder(files);
  await rm(target, { recursive: true, force: true });
  await rename(files, target);
  await rm(staging, { recursive: true, force: true });
}

/** The library of an earlier set-up; undefined where there is none or it is damaged. */
function intact(target: string, say: (sentence: string) => void): Library | undefined {
  try {
    return installedLibrary(target);
  } catch {
    say(`The TensorFlow library in ${target} is damaged and is obtained again.`);
    return undefined;
  }
}

/**
 * Installs one release into the cache unless it is there; waits for another process that is installing it.
 * @throws Error (user error) where download, unpacking or the disk fails
 */
export async function install(release: Release, options: Settled): Promise<Library> {
  const { cacheDir, say } = options;
  const target = join(cacheDir, release.target);
  try {
    await mkdir(cacheDir, { recursive: true });
    await withLock(
      target,
      () =>
        say(
          'Another process is setting TensorFlow up; waiting for it (20 seconds at most if it was killed).',
        ),
      async () => {
        if (!intact(target, say)) await obtain(release, target, options);
      },
    );
  } catch (error) {
    throw explainDisk(error, cacheDir);
  }
  return installedLibrary(target) as Library;
}

/**
 * TensorFlow's library, installed where it is missing. The library of LIBTENSORFLOW_PATH or of an installed Python TensorFlow
 * 2.15 to 2.21 is used as it is; else the pinned wheel is downloaded with pip into the cache. Safe to interrupt and run again.
 * @throws Error (user error) with the remedy, where the library cannot be installed
 */
export async function setup(options: SetupOptions = {}): Promise<Library> {
  const { gpu = false, cacheDir = cacheFolder(), python = 'python3' } = options;
  const { onProgress = () => {}, say = () => {} } = options;
  if (process.env['LIBTENSORFLOW_PATH']) return findLibrary({ gpu });
  try {
    const found = cachedLibrary(cacheDir, gpu) ?? findPythonTensorFlow(gpu, python);
    if (found) return found;
  } catch {
    // A damaged library is obtained again.
  }
  return install(releaseFor(gpu), { gpu, cacheDir, onProgress, say, python });
}
