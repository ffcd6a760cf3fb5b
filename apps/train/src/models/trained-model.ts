/** Trained models, of a run or of an exported folder. */
import { dirname } from 'node:path';
import type { DiTConfig } from '@ahpa/dit-core';
import type { TensorEntry } from '@ahpa/weight-files';
import type { Change } from '../config/changes.ts';
import type { TrainConfig, VaeChoice } from '../config/types.ts';
import type { DataShape } from '../records/checkpoints.ts';

/** A trained model that is in memory but not yet on any backend. */
export interface TrainedModel {
  /** The file that the weights come from. */
  readonly source: string;
  /** Steps of training, where that is known. */
  readonly step: number | undefined;
  readonly network: DiTConfig;
  readonly shape: DataShape;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  /** Images of every class in training, where they are known. */
  readonly counts?: readonly number[];
  readonly vae: VaeChoice;
  readonly interpolant: TrainConfig['interpolant'];
  /** Sampler settings of the model's own configuration. */
  readonly sample: TrainConfig['sample'];
  /** Name of the weights, as for `--ema`: an average, or `model` for the trained weights themselves. */
  readonly average: string;
  /** The denoiser's weights under their published names. */
  readonly weights: Readonly<Record<string, TensorEntry>>;
  /** Number of values that only training needs, such as heads and router; not among the weights. */
  readonly dropped?: number;
  /** Changes of the run's configuration up to the step; absent where there were none. */
  readonly changes?: readonly Change[];
  /** The configuration of the run; absent from exported folders. */
  readonly config?: TrainConfig;
}

/** Folder of the run whose checkpoint a model comes from. */
export const rootOf = ({ source }: TrainedModel): string => dirname(dirname(source));
