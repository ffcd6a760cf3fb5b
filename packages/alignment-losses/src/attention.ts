/** HASTE's attention loss: cross-entropy between the teacher's and the student's attention. */
import { stopGradient } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { gram } from './relation.ts';

/**
 * Cross-entropy of the student's attention rows under the teacher's, mean over rows and heads:
 * student [B, N, T, T], teacher [B, H, T, T] logits -> [B]. The first min(N, H) heads of each are compared,
 * as HASTE does; the teacher is a constant.
 * @throws RangeError where batch or token count of student and teacher differ
 */
export function attentionDistance(student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Tensor1D {
  const [batch, own, tokens] = student.shape;
  const [images, others, ...square] = teacher.shape;
  if (images !== batch || square.some((side) => side !== tokens)) {
    throw new RangeError(
      `attentionDistance: teacher has shape [${teacher.shape}], wanted [${batch}, heads, ${tokens}, ${tokens}]; give model and teacher one token grid.`,
    );
  }
  const heads = Math.min(own, others);
  return tf.tidy(() => {
    const first = (logits: tf.Tensor4D): tf.Tensor4D =>
      tf.slice(logits, [0, 0, 0, 0], [batch, heads, tokens, tokens]);
    const wanted = stopGradient(() => tf.softmax(first(teacher)), [teacher]);
    const rows = tf.neg(tf.sum(tf.mul(wanted, tf.logSoftmax(first(student))), -1)); // [B, heads, T]
    return tf.mean(rows, [1, 2]) as tf.Tensor1D;
  });
}

/** Logits for a teacher that has no attention: cosines between its tokens over a temperature. [B, T, D] -> [B, 1, T, T]. Ours. */
export function affinityLogits(tokens: tf.Tensor3D, temperature: number): tf.Tensor4D {
  return tf.tidy(() => tf.expandDims(tf.div(gram(tokens), temperature), 1) as tf.Tensor4D);
}
