/** The fixed position table of a network: published files hold it, and networks compute it. */
import { positionTable } from '@ahpa/dit-core';
import { type Network, POSITIONS, type SitState } from '@ahpa/sit-weights';
import { fromFloat32, type TensorEntry, toFloat32 } from '@ahpa/weight-files';

const TOLERANCE_F32 = 1e-5;
const TOLERANCE_HALF = 1e-2;

/** The position table [1, tokens, hiddenSize] in float32, as files hold it under `pos_embed`. */
export function positionTensor({
  latentSize,
  patchSize,
  hiddenSize,
}: Pick<Network, 'latentSize' | 'patchSize' | 'hiddenSize'>): TensorEntry {
  const grid = latentSize / patchSize;
  return fromFloat32(positionTable(grid, hiddenSize), [1, grid * grid, hiddenSize], 'F32');
}

/**
 * Refuses a position table other than the fixed one, which the network computes.
 * @throws Error where an element differs
 */
export function assertPositions({ positions, network }: SitState<TensorEntry>, source: string): void {
  if (positions === undefined) return;
  const [found, wanted] = [toFloat32(positions), toFloat32(positionTensor(network))];
  const tolerance = positions.dtype === 'F32' ? TOLERANCE_F32 : TOLERANCE_HALF;
  const at = found.findIndex((value, i) => !(Math.abs(value - (wanted[i] as number)) <= tolerance));
  if (at < 0) return;
  throw new Error(
    `${source}: element ${at} of ${POSITIONS} is ${found[at]}, wanted ${wanted[at]}: the network was trained with other positions than the fixed sines and cosines.`,
  );
}
