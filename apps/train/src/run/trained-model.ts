/** What a trained model is, wherever it lay. */
import type { DiTConfig } from '@ahpa/dit-core';
import type { TensorEntry } from '@ahpa/weight-files';
import type { TrainConfig, VaeChoice } from '../config/types.ts';
import type { DataShape } from '../models/shapes.ts';

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
  readonly vae: VaeChoice;
  readonly interpolant: TrainConfig['interpolant'];
  /** How the model's own configuration draws. */
  readonly sample: TrainConfig['sample'];
  /** Which average of the weights these are, as `--ema` names it. */
  readonly average: string;
  /** The denoiser's weights under their published names. */
  readonly weights: Readonly<Record<string, TensorEntry>>;
  /** Values that served training alone, such as those of heads and router; they are not among the weights. */
  readonly dropped?: number;
  /** The configuration of the run; absent from exported folders. */
  readonly config?: TrainConfig;
}
