/** The update of a tree of parameters. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Tree } from './tree.ts';

/** An optimizer over trees. `S` is its state, such as moments. */
export interface Optimizer {
  /**
   * The state before the first update.
   * @throws RangeError where the options name a parameter that does not exist
   */
  init(params: Tree): Tree;
  /**
   * `params, grads (same structure), state, step int32 [] (updates done before), lr [] -> new params and state`.
   * `applied` [] is 1, or 0 to keep everything bit-identical; gradients must be finite either way.
   */
  update<P extends Tree>(
    params: P,
    grads: P,
    state: Tree,
    step: Tensor,
    lr: Tensor,
    applied: Tensor,
  ): { readonly params: P; readonly state: Tree };
}
