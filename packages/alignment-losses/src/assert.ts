/** Shape check of the inputs of a loss. */
import type { Tensor3D } from '@tensorflow/tfjs-core';

/**
 * Checks that `projected` and `target` have the same shape [B, T, D].
 * @throws RangeError where they differ
 */
export function assertTokens(where: string, projected: Tensor3D, target: Tensor3D): void {
  if (projected.shape.join() !== target.shape.join()) {
    throw new RangeError(
      `${where}: projected has shape [${projected.shape}], wanted the target's [${target.shape}]; give the head the target's width and the model its token count.`,
    );
  }
}
