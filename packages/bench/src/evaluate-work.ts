/** The evaluation of a benchmark: SqueezeNet with random weights into statistics, and third neighbours. */

import {
  addFeatures,
  emptyStatistics,
  type FeatureMatrix,
  gaussianOf,
  loadSqueezeNet,
  neighbourDistances,
  SQUEEZENET_SHAPES,
  squeezeNet,
} from '@ahpa/evaluation';
import { compile, deviceState, float64Algebra } from '@ahpa/libtensorflow';
import { disposeTree } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { type EvaluateSpec, IMAGE_SIDE } from './evaluate-spec.ts';
import type { Work } from './work.ts';

function randomWeights(): Parameters<typeof loadSqueezeNet>[0] {
  const normal = (shape: number[], scale: number) => ({
    shape,
    data: tf.tidy(() => tf.mul(tf.randomNormal(shape), scale).dataSync() as Float32Array),
  });
  const layers = Object.entries(SQUEEZENET_SHAPES).map(([name, [side, inputs, outputs]]) => {
    const kernel = normal([side, side, inputs, outputs], Math.sqrt(2 / (side * side * inputs)));
    return [name, [kernel, normal([outputs], 0)] as const] as const;
  });
  return Object.fromEntries(layers);
}

/** Passes images through the network, and finds neighbours of random features. */
export function evaluateWork({ images, batch, rows, width }: EvaluateSpec): Work {
  const params = loadSqueezeNet(randomWeights());
  const parameters = Object.values(params).reduce((sum, { size }) => sum + size, 0);
  const state = deviceState(params);
  disposeTree(params);
  const run = compile((weights: typeof params, x: tf.Tensor) => ({
    pooled: squeezeNet.apply(weights, x as tf.Tensor4D).pooled,
  }));
  const pixels = tf.tidy(() =>
    tf.floor(tf.randomUniform([batch, IMAGE_SIDE, IMAGE_SIDE, 3], 0, 256)).dataSync(),
  );
  const features = (): number => {
    const columns = 512;
    const data = new Float32Array(images * columns);
    for (let start = 0; start < images; start += batch)
      tf.tidy(() => {
        const { pooled } = run(state, tf.tensor4d(pixels, [batch, IMAGE_SIDE, IMAGE_SIDE, 3]));
        const count = Math.min(batch, images - start);
        data.set(pooled.dataSync().subarray(0, count * columns), start * columns);
      });
    const all: FeatureMatrix = { rows: images, columns, data };
    const { covariance } = gaussianOf(addFeatures(emptyStatistics(columns), all, float64Algebra));
    return covariance.data[0] as number;
  };
  const points: FeatureMatrix = {
    rows,
    columns: width,
    data: tf.tidy(() => tf.randomNormal([rows, width]).dataSync() as Float32Array),
  };
  const neighbours = async (): Promise<number> => (await neighbourDistances(points))[0] as number;
  return { parameters, kinds: { features, neighbours } };
}
