/** Loading of trained models: a run, one of its checkpoints, or an exported folder. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, firstNonFinite } from '@ahpa/checkpoint';
import { type DiTParams, initDiT } from '@ahpa/dit-core';
import { restoreTree } from '@ahpa/engine';
import { localPath } from '@ahpa/hub-files';
import { type Reporter, userError } from '@ahpa/messages';
import { disposeTree } from '@ahpa/ops';
import { CLASS_TABLE } from '@ahpa/sit-weights';
import { inFloat32, type TensorEntry } from '@ahpa/weight-files';
import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import { chooseWeights } from '../config/averages.ts';
import { modelConfig } from '../models/shapes.ts';
import { chosenCheckpoint, readCheckpoint, runMeta } from '../records/checkpoints.ts';
import { runFolder } from '../records/folder.ts';
import { isModelFolder, readModelFolder } from './model-folder.ts';
import type { TrainedModel } from './trained-model.ts';

/** Folder of the runs, and the weights and the step of a run to load. */
export interface LoadOptions {
  readonly runs: string;
  /** Name of the weights, see `chooseWeights`; default the first average. */
  readonly ema?: string;
  /** Step of the checkpoint; default the newest. */
  readonly at?: number;
}

/**
 * The model at `place`: a run's name or folder (its newest valid checkpoint), a checkpoint file, or an exported folder
 * with config.json and model.safetensors, here or on the hub. @throws one sentence where there is none.
 */
export async function loadModel(
  place: string,
  options: LoadOptions,
  reporter: Reporter,
): Promise<TrainedModel> {
  const name = await localPath(place, reporter);
  if (isModelFolder(name)) return readModelFolder(name, options);
  const checkpoint = await openCheckpoint(name, options, reporter);
  const { config, shape, classes, counts, changes } = runMeta(checkpoint);
  const chosen = chooseWeights(config.ema, options.ema);
  const trained = tensorsUnder(checkpoint.tensors, `${chosen.place}.denoiser.`);
  const all = tensorsUnder(checkpoint.tensors, `${chosen.place}.`);
  const network = modelConfig(config.model, shape);
  const hasNullClass = config.model.labelDropout > 0;
  const weights = hasNullClass ? trained : withoutNullClass(trained, shape.classes);
  return {
    source: checkpoint.path,
    step: checkpoint.step,
    network: hasNullClass ? network : { ...network, hasNullClass },
    shape,
    classes,
    ...(counts && { counts }),
    vae: config.vae,
    interpolant: config.interpolant,
    sample: config.sample,
    average: chosen.name,
    weights,
    dropped: valuesIn(all) - valuesIn(weights),
    ...(changes.length > 0 && { changes }),
    config,
  };
}

/** The weights without the row of the null class, which training without label dropout leaves as it began. */
function withoutNullClass(weights: TrainedModel['weights'], classes: number): TrainedModel['weights'] {
  const { [CLASS_TABLE]: table, ...rest } = weights;
  if (table === undefined) return weights;
  const [rows, width] = table.shape as [number, number];
  const data = table.data.subarray(0, (table.data.byteLength / rows) * classes);
  return { ...rest, [CLASS_TABLE]: { ...table, shape: [classes, width], data } };
}

/** The checkpoint's file where `place` is a run, or a step of one is asked for; any other place as it is. */
export async function weightsPath(place: string, options: LoadOptions, reporter: Reporter): Promise<string> {
  const isRun = findRun(place, options.runs) !== undefined;
  return isRun || options.at !== undefined ? (await openCheckpoint(place, options, reporter)).path : place;
}

/** The weaker model that guidance leads away from, where one is named; `at` is the other model's and does not apply to it. */
export async function loadWeakModel(
  { weak, at: _, ...options }: LoadOptions & { readonly weak?: string },
  reporter: Reporter,
): Promise<TrainedModel | undefined> {
  return weak === undefined ? undefined : loadModel(weak, options, reporter);
}

/** The checkpoint in a file, or that of the step `at` or the newest valid one of a run. @throws where there is none. */
export async function openCheckpoint(
  place: string,
  { runs, at }: LoadOptions,
  reporter: Reporter,
): Promise<Checkpoint> {
  if (place.endsWith('.safetensors')) return assertStep(await readCheckpoint(place), at);
  const root = findRun(place, runs);
  const found = root === undefined ? undefined : await chosenCheckpoint(runFolder(root), at, reporter);
  if (found !== undefined) return found;
  throw userError(
    `There is no run with checkpoints at ${place} or ${join(runs, place)}, and no exported model: name another.`,
  );
}

/** The folder of the run that a name or path means; undefined where it has no checkpoints. */
export const findRun = (name: string, runs: string): string | undefined =>
  [name, join(runs, name)].find((path) => existsSync(runFolder(path).checkpoints));

function assertStep(checkpoint: Checkpoint, at: number | undefined): Checkpoint {
  if (at === undefined || at === checkpoint.step) return checkpoint;
  throw userError(
    `${checkpoint.path} is the checkpoint of step ${checkpoint.step}, and not ${at}: leave --at away, or name the run.`,
  );
}

/** The tensors below `prefix`, named without it. */
export function tensorsUnder(
  tensors: Readonly<Record<string, TensorEntry>>,
  prefix: string,
): Record<string, TensorEntry> {
  const below = Object.entries(tensors).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(below.map(([key, tensor]) => [key.slice(prefix.length), tensor]));
}

const valuesIn = (tensors: Readonly<Record<string, TensorEntry>>): number =>
  Object.values(tensors).reduce(
    (sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1),
    0,
  );

const none = (shape: readonly number[]): Tensor => zeros([...shape]);

/** Random numbers that are all 0, to build a model's shapes cheaply. */
const zeroRng = { normal: none, uniform: none };

/** The weights on the active backend, owned by the caller. @throws where a value is not finite or a shape differs. */
export function denoiserParams({ network, weights, source }: TrainedModel): DiTParams {
  for (const [name, entry] of Object.entries(weights)) {
    const index = firstNonFinite(entry);
    if (index >= 0)
      throw userError(
        `${source} has a value that is not finite in ${name}, at flat index ${index}: take another checkpoint.`,
      );
  }
  const like = initDiT(network, zeroRng);
  const wide = Object.entries(weights).map(([name, entry]) => [name, inFloat32(entry)]);
  const params = restoreTree(like, Object.fromEntries(wide), source);
  disposeTree(like);
  return params;
}
