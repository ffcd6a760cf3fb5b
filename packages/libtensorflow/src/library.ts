/** Search for TensorFlow's C library: an environment variable, the cache that `setup` fills, or Python's own copy. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import envPaths from 'env-paths';
import { findPythonTensorFlow } from './python.ts';
import { libraryName, TENSORFLOW_VERSION } from './wheels.ts';

/** A libtensorflow_cc that can be loaded. */
export interface Library {
  readonly path: string;
  /** TensorFlow's version, where it is known before loading. */
  readonly version?: string;
  readonly source: 'environment' | 'cache' | 'python';
}

/** Options of `findLibrary`. */
export interface FindOptions {
  /** true: only a build for NVIDIA GPUs will do. Otherwise one is preferred where it was set up. */
  readonly gpu?: boolean;
  /** Default `cacheFolder()`. */
  readonly cacheDir?: string;
  /** Command that starts Python; default `python3`. */
  readonly python?: string;
}

/** Manifest that `setup` writes last, beside the libraries. */
export interface Manifest {
  readonly version: string;
  /** Size of each unpacked file by its path in the folder. */
  readonly files: Readonly<Record<string, number>>;
}

export const MANIFEST = 'library.json';

/** The folder that `setup` fills: $LIBTENSORFLOW_CACHE, or `libtensorflow` in the user's cache folder (XDG). */
export const cacheFolder = (): string =>
  process.env['LIBTENSORFLOW_CACHE'] || envPaths('libtensorflow', { suffix: '' }).cache;

const setupCommand = (gpu = false): string => {
  const flag = gpu ? ' --gpu' : '';
  return `\`npx @ahpa/libtensorflow setup${flag}\` (\`ahpa setup${flag}\` in AHPA)`;
};

/**
 * The library in a folder made by `setup`; undefined where there is none.
 * @throws Error (user error) where it is damaged
 */
export function installedLibrary(folder: string): Library | undefined {
  if (!existsSync(folder)) return undefined;
  const path = join(folder, 'tensorflow', libraryName());
  try {
    const { version, files } = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
    const whole = Object.entries(files).every(([file, bytes]) => statSync(join(folder, file)).size === bytes);
    if (whole && existsSync(path)) return { path, version, source: 'cache' };
  } catch {
    // A manifest or file that is missing or unreadable: damaged, as below.
  }
  throw userError(
    `The TensorFlow library in ${folder} is damaged: obtain it again with ${setupCommand(folder.endsWith('-gpu'))}.`,
  );
}

/**
 * The library that `setup` put into a cache folder, the build for GPUs first.
 * @throws Error (user error) where it is damaged
 */
export function cachedLibrary(cacheDir: string, gpu = false): Library | undefined {
  for (const variant of gpu ? ['gpu'] : ['gpu', 'cpu']) {
    const target = `${TENSORFLOW_VERSION}-${process.platform}-${process.arch}-${variant}`;
    const library = installedLibrary(join(cacheDir, target));
    if (library) return library;
  }
  return undefined;
}

function fromEnvironment(): Library | undefined {
  const given = process.env['LIBTENSORFLOW_PATH'];
  if (!given) return undefined;
  const name = libraryName();
  const path = [given, join(given, name), join(given, 'tensorflow', name)].find((candidate) =>
    statSync(candidate, { throwIfNoEntry: false })?.isFile(),
  );
  if (path) return { path, source: 'environment' };
  const found = existsSync(given) ? `holds no ${name}` : 'does not exist';
  throw userError(
    `LIBTENSORFLOW_PATH is ${given}, which ${found}: set it to ${name} or to its folder, or unset it.`,
  );
}

/**
 * Finds TensorFlow's library: LIBTENSORFLOW_PATH (a file or a folder), then what `setup` put into the cache, then a
 * TensorFlow 2.15 to 2.21 installed for Python.
 * @throws Error (user error) that names `setup` where there is none
 */
export function findLibrary(options: FindOptions = {}): Library {
  const { gpu, cacheDir = cacheFolder(), python } = options;
  const given = fromEnvironment();
  if (given) return given;
  const found = cachedLibrary(cacheDir, gpu) ?? findPythonTensorFlow(gpu, python);
  if (found) return found;
  throw userError(
    `TensorFlow's library${gpu ? ' for NVIDIA GPUs' : ''} was not found in ${cacheDir} nor in Python: obtain it with ${setupCommand(gpu)}, or set LIBTENSORFLOW_PATH to a ${libraryName()}.`,
  );
}
