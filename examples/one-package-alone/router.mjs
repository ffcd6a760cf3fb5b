/** Weights of three groups of features at five times, by four rules: @ahpa/dynamic-router and TensorFlow.js, nothing else. */
import { closedForm, fixedRoute, gapTable, sigmoidRoute } from '@ahpa/dynamic-router';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');
const times = tf.tensor1d([0, 0.25, 0.5, 0.75, 1]);

// Mean distance of a network's tokens to the fine, mid and coarse features at each time.
const distances = tf.tensor2d([
  [0.2, 0.1, 0.1],
  [0.6, 0.3, 0.1],
  [0.9, 0.6, 0.2],
  [1.0, 0.9, 0.5],
  [1.0, 1.0, 1.0],
]);

const rules = {
  'from coarse to fine along a straight line': fixedRoute('linear-handover', times, 3),
  'from coarse to fine around t = 0.4': sigmoidRoute(20, 0.4, times, 3),
  'the group that is closest: softmax(-distance / 0.2)': closedForm(distances, 0.2),
  'the group that is lacking most: softmax(gap / 0.2)': gapTable(distances, 0.2),
};
console.log('weights of fine, mid and coarse at t = 0, 0.25, 0.5, 0.75 and 1');
for (const [rule, weights] of Object.entries(rules)) {
  const rows = weights.arraySync().map((row) => row.map((weight) => weight.toFixed(2)).join(' '));
  console.log(`${rule}\n  ${rows.join('\n  ')}`);
}
