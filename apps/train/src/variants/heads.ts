/** Projection heads over a batch in chains. */
import { applyHeads, type HeadsConfig, type HeadsParams } from '@ahpa/alignment-losses';
import { inLanes, LANES } from '@ahpa/ops';
import type { Tensor3D } from '@tensorflow/tfjs-core';

/** `applyHeads` with its batch in as many chains as the transformer's. */
export function applyHeadsInLanes(
  params: HeadsParams,
  hidden: (g: number) => Tensor3D,
  config: HeadsConfig,
): Tensor3D[] {
  const tokens = config.outs.map((_, g) => hidden(g));
  return inLanes(LANES, tokens, (part) => applyHeads(params, (g) => part[g] as Tensor3D, config));
}
