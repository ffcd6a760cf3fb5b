/** One head for each group of targets, or a trunk that all groups share and one linear layer for each. */
import { activatedProduct, addBias, SILU } from '@ahpa/ops';
import type { LinearParams, Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import {
  applyHead,
  type HeadConfig,
  type HeadKind,
  type HeadParams,
  initHead,
  listLayers,
  type MlpHeadParams,
  mlpProducts,
} from './head.ts';

/** Separate heads, or a shared trunk of `layers - 1` layers with SiLU before every layer but the first. */
export type HeadsKind =
  | HeadKind
  | { readonly kind: 'shared'; readonly hidden: number; readonly layers?: number };

/** Heads from width `inFeatures` to the widths `outs`. */
export type HeadsConfig = {
  readonly inFeatures: number;
  readonly outs: readonly number[];
  readonly head: HeadsKind;
};

/** Parameters of all heads. */
export type HeadsParams =
  | readonly HeadParams[]
  | { readonly trunk: MlpHeadParams; readonly outs: readonly LinearParams[] };

/** The configuration of head `g`, or of the trunk. */
function single({ inFeatures, outs, head }: HeadsConfig, g: number): HeadConfig {
  if (head.kind !== 'shared') return { ...head, inFeatures, out: outs[g] as number };
  const { hidden, layers = 3 } = head;
  return { kind: 'mlp', hidden, layers: layers - 1, inFeatures, out: hidden };
}

/**
 * New parameters of all heads; `path` is their path in the whole tree (`projectors`).
 * @throws RangeError where a head has invalid sizes
 */
export function initHeads(config: HeadsConfig, rng: Rng, path: string): HeadsParams {
  const { head, outs } = config;
  if (head.kind !== 'shared') return outs.map((_, g) => initHead(single(config, g), rng, `${path}.${g}`));
  const out = (width: number, g: number): LinearParams =>
    initHead(
      { kind: 'linear', inFeatures: head.hidden, out: width },
      rng,
      `${path}.outs.${g}`,
    ) as LinearParams;
  return { trunk: initHead(single(config, 0), rng, `${path}.trunk`) as MlpHeadParams, outs: outs.map(out) };
}

/**
 * Projects hidden tokens for every group: `hidden(g)` [B, T, D] -> one [B, T, outs[g]] each. A shared trunk reads `hidden(0)`, as
 * there is one copy of the tokens for all groups.
 * @throws RangeError where the width of the tokens differs from `config.inFeatures`
 */
export function applyHeads(
  params: HeadsParams,
  hidden: (g: number) => tf.Tensor3D,
  config: HeadsConfig,
): tf.Tensor3D[] {
  if (Array.isArray(params)) {
    return config.outs.map((_, g) => applyHead(params[g] as HeadParams, hidden(g), single(config, g)));
  }
  const { trunk, outs } = params as Exclude<HeadsParams, readonly HeadParams[]>;
  const layers = listLayers(trunk);
  const { bias } = layers.at(-1) as LinearParams;
  return tf.tidy(() => {
    const shared = mlpProducts(layers, hidden(0));
    return outs.map((out) => addBias(activatedProduct(SILU, shared, bias, out.weight), out.bias));
  });
}
