/** Makes an average that a run did not keep from the power-function averages that it did, as a model folder. */
import { join } from 'node:path';
import { type Reporter, userError } from '@ahpa/messages';
import { stdToExponent } from '@ahpa/trainer';
import { fromFloat32, type TensorEntry, toFloat32 } from '@ahpa/weight-files';
import type { EmaChoice } from '../config/types.ts';
import { newestCheckpoint, readCheckpoint, runMeta } from '../records/checkpoints.ts';
import { runFolder } from '../records/folder.ts';
import { mixture, type Profile } from '../records/post-hoc.ts';
import { snapshotFiles, storedAverages } from '../records/stored-averages.ts';
import { findRun, loadModel } from './load-model.ts';
import { writeModelFolder } from './model-folder.ts';

/** Run, width and step of the average to make. */
export interface ReconstructRequest {
  readonly run: string;
  readonly runs: string;
  /** Relative width. */
  readonly sigma: number;
  /** Step at which the average ends; the newest snapshot or checkpoint where absent. */
  readonly step?: number;
  readonly out: string;
}

/** The model folder that was written. */
export interface Reconstruction {
  readonly out: string;
  readonly step: number;
  readonly sigma: number;
  /** Stored averages that it is a mixture of. */
  readonly stored: number;
}

/** Writes the average; memory is that of two sets of weights, one in float64. */
export async function reconstruct(request: ReconstructRequest, reporter: Reporter): Promise<Reconstruction> {
  const { run, runs, sigma, out } = request;
  const folder = runFolder(findRun(run, runs) ?? run);
  const newest = await newestCheckpoint(folder.checkpoints, reporter);
  if (newest === undefined)
    throw userError(`There is no run with checkpoints at ${run} or ${join(runs, run)}.`);
  const { config } = runMeta(newest);
  if (config.ema.sigmaRel.length === 0) {
    throw userError(
      `${folder.root} keeps no power-function average: ema.sigmaRel is empty, for example [0.05, 0.1].`,
    );
  }
  const until = request.step ?? newest.step;
  const snapshots = await snapshotFiles(folder, until);
  const files = newest.step <= until ? [...snapshots, newest.path] : snapshots;
  const sources = await readSources(files, config.ema);
  const last = sources.at(-1);
  if (last === undefined)
    throw userError(`${folder.root} has no snapshot up to step ${until}: name a later --step.`);
  const profiles = sources.flatMap((source) => source.profiles);
  const wanted = {
    gamma: stdToExponent(sigma),
    updates: Math.max(...profiles.map(({ updates }) => updates)),
  };
  const coefficients = mixture(profiles, wanted);
  const weights = await mixAverages(sources, config.ema, coefficients);
  const model = await loadModel(newest.path, { runs }, reporter);
  const average = `sigma=${sigma}`;
  await writeModelFolder(out, { ...model, step: last.step, average, weights }, model.vae);
  return { out, step: last.step, sigma, stored: profiles.length };
}

interface Source {
  readonly path: string;
  readonly step: number;
  readonly profiles: readonly Profile[];
}

/** Stored averages of each file, one file for each number of updates: the newest checkpoint may repeat the newest snapshot. */
async function readSources(files: readonly string[], ema: EmaChoice): Promise<readonly Source[]> {
  const sources: Source[] = [];
  for (const path of files) {
    const checkpoint = await readCheckpoint(path);
    const profiles = storedAverages(checkpoint, ema).map(({ gamma, updates }) => ({ gamma, updates }));
    const seen = sources.at(-1)?.profiles[0]?.updates;
    if (profiles[0]?.updates !== seen && profiles[0]?.updates !== 0)
      sources.push({ path, step: checkpoint.step, profiles });
  }
  return sources;
}

/** The sum of the stored averages times their coefficients, file by file. */
async function mixAverages(
  sources: readonly Source[],
  ema: EmaChoice,
  coefficients: readonly number[],
): Promise<Record<string, TensorEntry>> {
  const sums = new Map<string, { shape: readonly number[]; values: Float64Array }>();
  let next = 0;
  for (const { path } of sources) {
    for (const { tensors } of storedAverages(await readCheckpoint(path), ema)) {
      const weight = coefficients[next++] as number;
      for (const [name, entry] of Object.entries(tensors)) {
        const values = toFloat32(entry);
        const sum = sums.get(name) ?? { shape: entry.shape, values: new Float64Array(values.length) };
        for (let i = 0; i < values.length; i++)
          sum.values[i] = (sum.values[i] as number) + weight * (values[i] as number);
        sums.set(name, sum);
      }
    }
  }
  const entries = [...sums].map(([name, { shape, values }]) => [
    name,
    fromFloat32(Float32Array.from(values), shape, 'F32'),
  ]);
  return Object.fromEntries(entries);
}
