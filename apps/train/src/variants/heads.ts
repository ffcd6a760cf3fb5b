/** Projection heads over a batch in chains. */
import { applyHeads, type HeadsConfig, type HeadsParams } from '@ahpa/alignment-losses';
import { joinLanes, laneCount, splitLanes } from '@ahpa/dit-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { LANES } from '../run/lanes.ts';

/** `applyHeads` with its batch in as many chains as the transformer's. */
export function projectTokens(
  params: HeadsParams,
  hidden: (g: number) => Tensor3D,
  config: HeadsConfig,
): Tensor3D[] {
  const halves = config.outs.map((_, g) => {
    const tokens = hidden(g);
    return splitLanes(tokens, laneCount(tokens.shape[0], LANES));
  });
  const projected = (halves[0] as Tensor3D[]).map((_, lane) =>
    applyHeads(params, (g) => halves[g]?.[lane] as Tensor3D, config),
  );
  return config.outs.map((_, g) => joinLanes(projected.map((outs) => outs[g] as Tensor3D)));
}
