/**
 * SiT: latents to tokens, adaLN-zero blocks, tokens to velocities.
 * tokens = patches W + positions; condition = time + class; x_i = block_i(x_{i-1}, condition); velocity = final(x).
 */
import { joinLanes, laneCount, linear, patchify, silu, splitLanes, unpatchify } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import {
  applyBlock,
  applyCheckpointedBlock,
  applyFinalLayer,
  blockLogits,
  blockModulation,
} from './block.ts';
import { assertConfig, type DiTConfig } from './config.ts';
import { networkTime, networkVelocity } from './convention.ts';
import { embedCondition, positionEmbedding } from './embed.ts';
import type { DiTParams } from './params.ts';

/** Outputs of the network. */
export type DiTOutput = {
  /** [B, h, w, C]. */
  readonly velocity: tf.Tensor4D;
  /** The tokens [B, T, D] of every tap, before any norm. */
  readonly hidden: readonly tf.Tensor3D[];
  /** The attention logits [B, N, T, T] of the blocks `config.attentionTaps`. */
  readonly attention: readonly tf.Tensor4D[];
};

/**
 * Predicts the velocity (noise - data for the linear path) at x_t.
 * xt [B, h, w, C], t [B] in [0, 1] (0 = data), y int32 [B] (null class = config.classes) -> velocity [B, h, w, C],
 * hidden[k] [B, T, D] after block config.encoderDepths[k]. REPA's `SiT.forward`. `tap(x, k)` replaces the tokens of tap k by
 * an equal tensor, such as one with a backward hook.
 */
export function applyDiT(
  params: DiTParams,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  y: tf.Tensor1D,
  config: DiTConfig,
  tap: (hidden: tf.Tensor3D, index: number) => tf.Tensor3D = (hidden) => hidden,
): DiTOutput {
  assertInputs(params, xt, t, y, config);
  return tf.tidy(() => {
    const { output, hidden, attention } = applyTrunk(params, xt, networkTime(t, config), y, config, tap);
    return { velocity: networkVelocity(output, config), hidden, attention };
  });
}

/**
 * DiT's own output: xt [B, h, w, C], t [B] as step / 999, y int32 [B] -> [B, h, w, 2 C]: the noise in x_t, then the range of the
 * variance of DDPM's step. DiT's `forward`.
 */
export function predictNoise(
  params: DiTParams,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  y: tf.Tensor1D,
  config: DiTConfig,
): tf.Tensor4D {
  assertInputs(params, xt, t, y, config);
  const untapped: DiTConfig = { ...config, encoderDepths: [], attentionTaps: [] };
  return tf.tidy(() => applyTrunk(params, xt, tf.round(networkTime(t, config)), y, untapped).output);
}

/** The network in its own terms: `t` is the time that it reads, `output` [B, h, w, C or 2 C] what its last layer returns. */
function applyTrunk(
  params: DiTParams,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  y: tf.Tensor1D,
  config: DiTConfig,
  tap: (hidden: tf.Tensor3D, index: number) => tf.Tensor3D = (hidden) => hidden,
): { output: tf.Tensor4D; hidden: tf.Tensor3D[]; attention: tf.Tensor4D[] } {
  const { patchSize, hiddenSize, latentSize, heads, encoderDepths, attentionTaps = [] } = config;
  const runBlock = config.checkpointBlocks ? applyCheckpointedBlock : applyBlock;
  const hidden: tf.Tensor3D[] = [];
  const attention: tf.Tensor4D[] = [];
  let x = embedPatches(params.x_embedder.proj, xt, patchSize);
  x = tf.add(x, positionEmbedding(latentSize / patchSize, hiddenSize)); // [B, T, D]
  const activated = silu(embedCondition(params, t, y)); // [B, D], shared by all blocks
  const lanes = laneCount(xt.shape[0], config.lanes);
  let chains = splitLanes(x, lanes);
  params.blocks.forEach((block, index) => {
    const modulation = blockModulation(block, activated);
    const parts = splitLanes(modulation, lanes);
    if (attentionTaps.includes(index))
      attention.push(blockLogits(block, joinLanes(chains), modulation, heads));
    chains = chains.map((chain, lane) => runBlock(block, chain, parts[lane] as tf.Tensor2D, heads));
    if (!encoderDepths.includes(index + 1)) return;
    const tokens = tap(joinLanes(chains), hidden.length);
    hidden.push(tokens);
    chains = splitLanes(tokens, lanes);
  });
  const output = unpatchify(applyFinalLayer(params.final_layer, joinLanes(chains), activated), patchSize);
  return { output, hidden, attention };
}

/** The patch embedding, a convolution whose stride is its kernel size: [B, h, w, C] -> [B, T, D]. */
function embedPatches(
  proj: DiTParams['x_embedder']['proj'],
  xt: tf.Tensor4D,
  patchSize: number,
): tf.Tensor3D {
  const [width, channels] = proj.weight.shape;
  const weight = tf.reshape(proj.weight, [width, channels * patchSize * patchSize]) as tf.Tensor2D;
  return linear(patchify(xt, patchSize), { weight, bias: proj.bias });
}

function assertInputs(
  params: DiTParams,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  y: tf.Tensor1D,
  config: DiTConfig,
): void {
  assertConfig(config);
  const { latentSize, latentChannels } = config;
  const batch = xt.shape[0];
  const checks: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['xt', xt.shape, [batch, latentSize, latentSize, latentChannels]],
    ['t', t.shape, [batch]],
    ['y', y.shape, [batch]],
  ];
  for (const [name, got, wanted] of checks) {
    if (got.join() !== wanted.join()) {
      throw new RangeError(
        `applyDiT: ${name} has shape [${got}], wanted [${wanted}]; match it to xt's batch and the configuration.`,
      );
    }
  }
  if (y.dtype !== 'int32') {
    throw new RangeError(
      `applyDiT: y is ${y.dtype}, wanted int32; create labels with tf.tensor1d(labels, 'int32').`,
    );
  }
  if (params.blocks.length !== config.depth) {
    throw new RangeError(
      `applyDiT: params have ${params.blocks.length} blocks, wanted ${config.depth}; use the configuration they were made with.`,
    );
  }
}
