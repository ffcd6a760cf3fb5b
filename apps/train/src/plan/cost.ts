/** Cost of a run in memory, arithmetic and disk, from its sizes alone. */
import { type DiTConfig, forwardFlops, tokenCount } from '@ahpa/dit-core';
import { averages } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';

/** Sizes that the cost is counted from. */
export interface Sizes {
  readonly config: TrainConfig;
  readonly model: DiTConfig;
  /** Trained parameters of the transformer and of the alignment. */
  readonly parameters: { readonly transformer: number; readonly alignment: number };
  /** Widths of the alignment's targets. */
  readonly widths: readonly number[];
}

const FLOAT = 4;

/** Of Node, TensorFlow's library and a compiled step without a model; measured. */
const RUNTIME_BYTES = 0.55e9;

/**
 * Values, of four bytes, that a compiled step keeps for the gradient: of each token in each block, so many times the width, and of
 * each head and pair of tokens in the block at work, whose attention is computed again, so many. Measured with `ahpa plan trial`: the
 * growth of peak memory of SiT-S/2 with the batch (2, 8 and 16 images of 32 x 32 latents) and with the tokens (64 x 64).
 */
const KEPT = { float32: { token: 15.4, pair: 3.9 }, bfloat16: { token: 7.7, pair: 2 } } as const;

/** Bytes of each part of a step's memory, for `images` computed together. */
export function memoryParts(
  { config, model, parameters }: Sizes,
  images: number,
): Readonly<Record<string, number>> {
  const values = parameters.transformer + parameters.alignment;
  const kept = averages(config.ema).length;
  return {
    parameters: FLOAT * values,
    averages: FLOAT * values * kept,
    moments: FLOAT * values * 2,
    gradients: FLOAT * values,
    activations: images * activationBytes(config, model),
    'snapshot for saving': FLOAT * values * (3 + kept),
    runtime: RUNTIME_BYTES,
  };
}

/** Bytes that one image keeps until its gradient is done. */
function activationBytes({ train }: TrainConfig, model: DiTConfig): number {
  const { token, pair } = KEPT[train.precision];
  const tokens = tokenCount(model);
  const block = tokens * model.hiddenSize * token;
  const blocks = train.checkpointBlocks
    ? model.depth * tokens * model.hiddenSize + block
    : model.depth * block;
  return FLOAT * (blocks + pair * model.heads * tokens ** 2);
}

/** Floating-point operations of a step: three forward passes (four with checkpointed blocks), and the heads at every token. */
export function flopsPerStep({ config, model, parameters }: Sizes): number {
  const passes = config.train.checkpointBlocks ? 4 : 3;
  const heads = 6 * parameters.alignment * tokenCount(model);
  return config.train.batch * (passes * forwardFlops(model).flops + heads);
}

/** Bytes on disk. */
export interface DiskCost {
  readonly checkpoint: number;
  /** Checkpoints that are there at once at most, the one being written included. */
  readonly checkpoints: number;
  /** Of an image in a cache of features, float16 tokens beside the latent's mean and deviation. */
  readonly cachePerImage: number;
  readonly total: number;
}

/** Bytes of the files of a run; caches come on top. */
export function diskCost({ config, model, parameters, widths }: Sizes): DiskCost {
  const { keepLast, keepEvery, steps } = config.train;
  const values = parameters.transformer + parameters.alignment;
  const checkpoint = FLOAT * values * (3 + averages(config.ema).length);
  const checkpoints = keepLast + 1 + (keepEvery === 0 ? 0 : Math.floor(steps / keepEvery));
  const latent = 2 * FLOAT * model.latentSize ** 2 * model.latentChannels;
  const cachePerImage = latent + 2 * tokenCount(model) * widths.reduce((sum, width) => sum + width, 0);
  return { checkpoint, checkpoints, cachePerImage, total: checkpoint * checkpoints };
}
