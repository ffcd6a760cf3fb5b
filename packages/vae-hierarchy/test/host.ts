/** What tests need of the machine and of neighbouring packages, untyped because this package knows neither. */
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

/** Runs a program; false where there is no such program or it fails. */
export async function run(program: string, parameters: readonly string[]): Promise<boolean> {
  const { spawnSync } = await load('node:child_process');
  return spawnSync(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}

/** Calls `use` with a new folder and removes it afterwards. */
export async function inFolder<T>(use: (path: string) => Promise<T>): Promise<T> {
  const [fs, os] = await Promise.all(['node:fs/promises', 'node:os'].map(load));
  const path = await fs.mkdtemp(`${os.tmpdir()}/vae-hierarchy-`);
  return use(path).finally(() => fs.rm(path, { recursive: true }));
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
