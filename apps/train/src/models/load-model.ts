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
import { averageNames, chooseAverage, denoiserPrefix } from '../config/averages.ts';
import { modelConfig } from '../models/shapes.ts';
import { newestCheckpoint, readCheckpoint, runMeta } from '../records/checkpoints.ts';
import { runFolder } from '../records/folder.ts';
import { isModelFolder, readModelFolder } from './model-folder.ts';
import type { TrainedModel } from './trained-model.ts';

/** Folder of the runs, and the average of the weights to load; default the first. */
export interface LoadOptions {
  readonly runs: string;
  readonly ema?: string;
}

/**
 * The model at `place`: a run's name or folder (its newest valid checkpoint), a checkpoint file, or an exported folder
 * with config.json and model.safetensors, here or on the hub. @throws one sentence where there is none.
 */
export async function loadModel(
  place: string,
  { runs, ema }: LoadOptions,
  reporter: Reporter,
): Promise<TrainedModel> {
  const name = await localPath(place, reporter);
  if (isModelFolder(name)) return readModelFolder(name, ema);
  const checkpoint = await openCheckpoint(name, runs, reporter);
  const { config, shape, classes, counts } = runMeta(checkpoint);
  const index = chooseAverage(config.ema, ema);
  const prefix = denoiserPrefix(index);
  const averaged = Object.entries(checkpoint.tensors).filter(([key]) => key.startsWith(`ema.${index}.`));
  const own = averaged.filter(([key]) => key.startsWith(prefix));
  const trained = Object.fromEntries(own.map(([key, tensor]) => [key.slice(prefix.length), tensor]));
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
    average: averageNames(config.ema)[index] as string,
    weights,
    dropped: valuesIn(averaged) - valuesIn(Object.entries(weights)),
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

/** The checkpoint in a file, or the newest valid one of a run. @throws where there is none. */
export async function openCheckpoint(place: string, runs: string, reporter: Reporter): Promise<Checkpoint> {
  return place.endsWith('.safetensors') ? readCheckpoint(place) : findNewest(place, runs, reporter);
}

/** The tensors below `prefix`, named without it. */
export function tensorsUnder(
  tensors: Readonly<Record<string, TensorEntry>>,
  prefix: string,
): Record<string, TensorEntry> {
  const below = Object.entries(tensors).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(below.map(([key, tensor]) => [key.slice(prefix.length), tensor]));
}

const valuesIn = (tensors: readonly (readonly [string, TensorEntry])[]): number =>
  tensors.reduce((sum, [, { shape }]) => sum + shape.reduce((product, length) => product * length, 1), 0);

async function findNewest(name: string, runs: string, reporter: Reporter): Promise<Checkpoint> {
  const root = [name, join(runs, name)].find((path) => existsSync(runFolder(path).checkpoints));
  const found =
    root === undefined ? undefined : await newestCheckpoint(runFolder(root).checkpoints, reporter);
  if (found !== undefined) return found;
  throw userError(
    `There is no run with checkpoints at ${name} or ${join(runs, name)}, and no exported model: name another.`,
  );
}

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
