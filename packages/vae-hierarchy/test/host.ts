/** What tests need of the machine and of neighbouring packages, untyped because this package knows neither. */
import type * as tf from '@tensorflow/tfjs-core';
import type { StateTensor } from '../src/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: a module that this package does not depend on
const load = (name: string): Promise<any> => import(name);

/** Real weights and photographs, where the machine has them. */
export const SHARED_DATA: string = `${import.meta.dirname}/../../../../shared/data`;

/** Whether a file or folder exists. */
export async function exists(path: string): Promise<boolean> {
  return (await load('node:fs')).existsSync(path);
}

/** A variable of the environment. */
export async function environment(name: string): Promise<string | undefined> {
  return (await load('node:process')).env[name];
}

/** Writes a line to the terminal. */
export async function say(line: string): Promise<void> {
  (await load('node:process')).stderr.write(`${line}\n`);
}

/** Runs a program; why it failed, or undefined where it did not. */
export async function failure(program: string, parameters: readonly string[]): Promise<string | undefined> {
  const { spawnSync } = await load('node:child_process');
  const { status, error, stderr } = spawnSync(program, parameters, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n').at(-1));
}

/** A new folder, to be removed by the caller. */
export async function newFolder(): Promise<string> {
  const [fs, os] = await Promise.all(['node:fs/promises', 'node:os'].map(load));
  return fs.mkdtemp(`${os.tmpdir()}/vae-hierarchy-`);
}

/** Removes a folder and what it holds. */
export async function remove(path: string): Promise<void> {
  await (await load('node:fs/promises')).rm(path, { recursive: true });
}

const TENSORFLOW = `${import.meta.dirname}/../../libtensorflow/src/index.ts`;

/** Computes with TensorFlow's library from here on; why that cannot be, or undefined. */
export async function useNative(): Promise<string | undefined> {
  const { useTensorFlow } = await load(TENSORFLOW);
  return useTensorFlow().then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** Runs `fn` as a traced TensorFlow graph with float32 weights. */
export async function runTraced<P, R>(
  fn: (params: P, x: tf.Tensor4D) => R,
  params: P,
  x: tf.Tensor4D,
): Promise<R> {
  const { compile, deviceState } = await load(TENSORFLOW);
  const [step, state] = [compile(fn), deviceState(params)];
  const result = step(state, x);
  step.dispose();
  state.dispose();
  return result;
}

/** The parsed JSON of a file. */
export async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await (await load('node:fs/promises')).readFile(path, 'utf8'));
}

/** Weights of any file or folder that the package weight-files reads, as float32. */
export async function readState(path: string): Promise<Record<string, StateTensor>> {
  const { readWeights, toFloat32 } = await load(`${import.meta.dirname}/../../weight-files/src/index.ts`);
  const entries = Object.entries<StateTensor>(await readWeights(path));
  return Object.fromEntries(
    entries.map(([name, entry]) => [name, { shape: entry.shape, data: toFloat32(entry) }]),
  );
}
