/** A router of one's own: every group has its largest weight around one time, which is learned. */
import { completeRouter, loadBalance } from '@ahpa/dynamic-router';
import * as tf from '@tensorflow/tfjs-core';

const WIDTH = 0.25;
const BALANCE = 1;

/** w(t) = softmax over the groups of -(t - centre_g)^2 / (2 WIDTH^2); the centres start evenly spaced, the finest group at t = 0. */
export const peaks = {
  traits: { gates: false, needs: 'nothing' },
  create: ({ groups }) =>
    completeRouter({
      init: () => ({ centers: tf.linspace(0, 1, groups.length) }),
      route: ({ centers }, { t }) => {
        const distances = tf.div(tf.sub(tf.expandDims(t, 1), centers), WIDTH); // [B, G]
        const weights = tf.softmax(tf.div(tf.square(distances), -2));
        return { weights, penalty: tf.mul(loadBalance(weights), BALANCE) }; // else the easiest group takes all
      },
    }),
};
