/** A router of one's own: every group is wanted most around one time, which is learned, and fades on both sides of it. */
import { completeRouter } from '@ahpa/dynamic-router';
import * as tf from '@tensorflow/tfjs-core';

const WIDTH = 0.25;

/** w(t) = softmax over the groups of -(t - centre_g)^2 / (2 WIDTH^2); the centres start evenly spaced, the finest group at t = 0. */
export const peaks = {
  traits: { gates: false, needs: 'nothing' },
  create: ({ groups }) =>
    completeRouter({
      init: () => ({ centers: tf.linspace(0, 1, groups.length) }),
      route: ({ centers }, { t }) => {
        const distances = tf.div(tf.sub(tf.expandDims(t, 1), centers), WIDTH); // [B, G]
        return { weights: tf.softmax(tf.div(tf.square(distances), -2)) };
      },
    }),
};
