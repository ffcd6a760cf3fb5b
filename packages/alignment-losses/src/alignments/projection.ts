/** Projection heads over a batch in chains. */
import { inLanes, LANES } from '@ahpa/ops';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { applyHeads, type HeadsConfig, type HeadsKind, type HeadsParams } from '../heads.ts';
import type { HeadOptions } from './options.ts';

/** The trained part of an alignment with one projection; dropped at export. */
export type ProjectionParams = { readonly projectors: HeadsParams };

/** The heads of options from hidden tokens of width `inFeatures` to the widths `outs`. */
export function projection(head: HeadOptions, inFeatures: number, outs: readonly number[]): HeadsConfig {
  return { inFeatures, outs, head: sized(head, inFeatures) };
}

function sized(head: HeadOptions, inFeatures: number): HeadsKind {
  if (head.kind !== 'mlp' && head.kind !== 'shared') return head;
  return { ...head, hidden: head.hidden ?? 2 * inFeatures };
}

/** `applyHeads` with its batch in as many chains as the transformer's: hidden(g) [B, T, D] -> [B, T, outs[g]] each. */
export function project(
  params: HeadsParams,
  hidden: (g: number) => Tensor3D,
  config: HeadsConfig,
): Tensor3D[] {
  const tokens = config.outs.map((_, g) => hidden(g));
  return inLanes(LANES, tokens, (part) => applyHeads(params, (g) => part[g] as Tensor3D, config));
}
