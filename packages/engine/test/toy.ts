/** Linear regression by gradient descent: `y = w x` towards `y = 3 x`. */
import { tidyTree } from '@ahpa/ops';
import type { StepResult } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

export type ToyState = { readonly step: tf.Scalar; readonly params: { readonly w: tf.Tensor2D } };
export type ToyBatch = { readonly x: tf.Tensor2D; readonly y: tf.Tensor2D };

/** The state before the first step. */
export const toyState = (): ToyState => ({
  step: tf.scalar(0, 'int32'),
  params: { w: tf.zeros([1, 1]) },
});

/** The predictions `[B, 1]` of a model. */
export const predict = ({ w }: ToyState['params'], x: tf.Tensor2D): { y: tf.Tensor2D } => ({
  y: tf.matMul(x, w),
});

/** Four items, other ones at each step. */
export function toyBatch(step: number): ToyBatch {
  const x = tf.tensor2d([0.5, 1, 1.5, 2 + 0.1 * step], [4, 1]);
  return { x, y: tf.mul(x, 3) };
}

/** One step of gradient descent. */
export const toyStep = ({ step, params }: ToyState, { x, y }: ToyBatch): StepResult<ToyState> =>
  tidyTree(() => {
    const loss = (w: tf.Tensor2D): tf.Scalar => tf.mean(tf.squaredDifference(predict({ w }, x).y, y));
    const { value, grad } = tf.valueAndGrad((w: tf.Tensor2D) => loss(w))(params.w);
    return {
      state: {
        step: tf.add(step, tf.scalar(1, 'int32')) as tf.Scalar,
        params: { w: tf.sub(params.w, tf.mul(grad, 0.1)) as tf.Tensor2D },
      },
      metrics: { loss: value },
    };
  });
