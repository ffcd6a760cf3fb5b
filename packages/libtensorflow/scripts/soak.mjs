/**
 * Runs a compiled toy training step many times and prints how memory moves.
 * Usage, after a build: node packages/libtensorflow/scripts/soak.mjs [steps]   (default 120000, the first 20000 warm up)
 * Ends with exit code 1 when live tensors or handles change, or resident memory grows by 1 MB or more in 10,000 steps.
 */
import { activeBackend, compile, deviceState, useTensorFlow } from '@ahpa/libtensorflow';
import * as tf from '@tensorflow/tfjs-core';

const STEPS = Number(process.argv[2] ?? 120_000);
const WARMUP = Math.min(20_000, STEPS / 6);
const EVERY = Math.max(1, Math.floor(STEPS / 60));

/** Slope of the least-squares line through (x, y). */
function slope(points) {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

await useTensorFlow();
const adam = (state, grad) => {
  const scalars = {
    beta1: tf.scalar(0.9),
    beta2: tf.scalar(0.999),
    alpha: tf.scalar(1e-3),
    epsilon: tf.scalar(1e-8),
  };
  return tf.engine().runKernel('AdamW', { param: state.w, m: state.m, v: state.v, grad, ...scalars });
};
const step = compile((state, x) => {
  const { value, grad } = tf.valueAndGrad((w) => tf.mean(tf.square(tf.sub(tf.matMul(tf.tanh(x), w), 1))))(
    state.w,
  );
  const [w, m, v] = adam(state, grad);
  return { state: { w, m, v }, loss: value };
});
const state = deviceState({ w: tf.zeros([32, 16]), m: tf.zeros([32, 16]), v: tf.zeros([32, 16]) });
const counts = () => `${tf.memory().numTensors} tensors, ${activeBackend().eager.getNumOfTensors()} handles`;
const points = [];
let first;
for (let i = 1; i <= STEPS; i++) {
  const x = tf.randomNormal([8, 32], 0, 1, 'float32', i);
  const { loss } = step(state, x);
  if (i % 100 === 0) loss.dataSync();
  tf.dispose([x, loss]);
  first ??= counts();
  if (counts() !== first) throw new Error(`step ${i} leaves ${counts()}, the first left ${first}`);
  if (i >= WARMUP && i % EVERY === 0) points.push([i, process.memoryUsage.rss() / 1e6]);
  if (i % (EVERY * 10) === 0)
    process.stdout.write(`step ${i}: ${points.at(-1)?.[1].toFixed(1) ?? '-'} MB, ${first}\n`);
}
const growth = slope(points) * 10_000;
process.stdout.write(
  `resident memory: ${growth.toFixed(3)} MB in 10,000 steps over the last ${STEPS - WARMUP}\n`,
);
process.exitCode = growth < 1 ? 0 : 1;
