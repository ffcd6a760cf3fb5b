/** Closed-form weights from measured distances: tables over bins of t, without network or gradient. */
import * as tf from '@tensorflow/tfjs-core';

// Below this explained variance a group counts as unlearnable (RARE).
const LEAST_READOUT = 0.02;
const EXCLUDED = -1e9;

/**
 * softmax(-loss / beta) of every bin: mean losses [bins, G] -> weights [bins, G]. What a learned router under an entropy bonus
 * beta converges to.
 */
export function closedForm(losses: tf.Tensor2D, beta: number): tf.Tensor2D {
  return tf.tidy(() => tf.softmax(tf.div(losses, -beta)) as tf.Tensor2D);
}

/**
 * softmax(gap / beta): weights by the remaining gap. Explained variance R^2 = max(cos, 0)^2 of a bin from its mean cosine
 * distance 1 - cos; ceiling of a group: its best over the bins, at least 0.02; gap = 1 - R^2 / ceiling within [0, 1]. A group whose best is
 * below 0.02 is left out, unless all are. Mean cosine distances [bins, G] -> weights [bins, G]. RARE's gap, with the student's own best
 * for the ceiling.
 */
export function gapTable(distances: tf.Tensor2D, beta: number): tf.Tensor2D {
  return tf.tidy(() => {
    const explained = tf.square(tf.relu(tf.sub(1, distances)));
    const best = tf.max(explained, 0, true); // [1, G]
    const gap = tf.clipByValue(tf.sub(1, tf.div(explained, tf.maximum(best, LEAST_READOUT))), 0, 1);
    const unlearnable = tf.cast(tf.less(best, LEAST_READOUT), 'float32');
    return tf.softmax(tf.add(tf.div(gap, beta), tf.mul(unlearnable, EXCLUDED))) as tf.Tensor2D;
  });
}
