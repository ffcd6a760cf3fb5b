/** Ordering of independent operations of a graph. */
import * as tf from '@tensorflow/tfjs-core';
import { orderAfter } from './kernels.ts';

const afterAll = <X extends tf.Tensor>(x: X, others: readonly tf.Tensor[]): X =>
  tf.clone(others.reduce<tf.Tensor>(orderAfter, x)) as X;

/** `x`, computed after the tensors `before`, and its gradient after the tensors that `beforeGradient` returns. */
export function ordered<X extends tf.Tensor>(
  x: X,
  before: readonly tf.Tensor[],
  beforeGradient: () => readonly tf.Tensor[] = () => [],
): X {
  const identity = tf.customGrad<X>((input) => ({
    value: afterAll(input as X, before),
    gradFunc: (dy: X) => afterAll(dy, beforeGradient()),
  }));
  return identity(x);
}
