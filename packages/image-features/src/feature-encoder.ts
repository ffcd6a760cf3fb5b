/**
 * Images to features: the posterior in diffusion units, and normalised tokens of each group.
 * mean = scaled mu; std = exp(logVar / 2) in the same units; tokens = norm(resize(F)) with F the concatenated maps,
 * less what the latent of each token predicts of them where the norm is `innovation`.
 */
import { disposeTree } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import {
  encode,
  groupTokens,
  innovation,
  normalizeTokens,
  type Prediction,
  scaleLatent,
  type VaeConfig,
  type VaeParams,
} from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureRequest, VaeFeatures } from './feature-request.ts';
import { type FittedNorms, normTensors, targetNorm } from './norms/fitted-norms.ts';

/** Latents `[B, h, w, C]`, and tokens `[B, T, d]` of each group. */
export type Encoded = { mean: tf.Tensor4D; std: tf.Tensor4D; tokens: tf.Tensor3D[] };

/** A frozen encoder with its normalisation on the backend. */
export interface FeatureEncoder {
  /** Images `[B, H, W, 3]` in [-1, 1] to features, owned by the caller. */
  encode(x: tf.Tensor4D): Encoded;
  dispose(): void;
}

/** The part `[B, T, d]` of latents `[B, h, w, C]` under each token, all its values. */
export const latentTokens = (mean: tf.Tensor4D, grid: number): tf.Tensor3D =>
  groupTokens([mean], grid, 'unshuffle');

/** The encoder of a request; without `norms` its tokens are not normalised. */
export function featureEncoder({ files, vae, request }: VaeFeatures, norms?: FittedNorms): FeatureEncoder {
  const hierarchy = norms ? request.hierarchy : { ...request.hierarchy, norm: 'none' as const };
  const fitted = normTensors(norms ?? {}, request.groups);
  const run = vae.map((params, x: tf.Tensor4D, numbers: Tree) =>
    encodeAll(params, x, numbers as Record<string, tf.Tensor>[], files.config, { ...request, hierarchy }),
  );
  return { encode: (x) => run(x, fitted), dispose: () => disposeTree(fitted) };
}

function encodeAll(
  params: VaeParams,
  x: tf.Tensor4D,
  norms: readonly Record<string, tf.Tensor>[],
  config: VaeConfig,
  { groups, grid, hierarchy }: FeatureRequest,
): Encoded {
  const taps = [...new Set(groups.flatMap((group) => group.taps))];
  const { posterior, levels } = encode(params, x, config, taps);
  const std = tf.exp(tf.mul(posterior.logVar, 0.5)) as tf.Tensor4D;
  const origin = scaleLatent(tf.zerosLike(std), config);
  const mean = scaleLatent(posterior.mean, config);
  const latents = hierarchy.norm === 'innovation' ? latentTokens(mean, grid) : undefined;
  return {
    mean,
    std: tf.sub(scaleLatent(std, config), origin),
    tokens: groups.map((group, g) => {
      const maps = group.taps.map((tap) => levels[tap] as tf.Tensor4D);
      const tokens = groupTokens(maps, grid, hierarchy.resize);
      const fitted = norms[g] ?? {};
      const normal = normalizeTokens(tokens, targetNorm(hierarchy, fitted));
      return latents ? innovation(normal, latents, fitted as unknown as Prediction) : normal;
    }),
  };
}
