/** Counter-based random tensors: Philox in plain TypeScript, or the backend's kernel where it has one. */
import type { Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.ts';
import { normalValues, philoxWords, streamKey, uniformValues } from './philox.ts';

type Fill = (words: Uint32Array) => Float32Array;

function draw(
  kernel: 'PhiloxNormal' | 'PhiloxUniform',
  fill: Fill,
  seed: number,
  shape: readonly number[],
  stream: string,
  step?: tf.Tensor,
): tf.Tensor {
  const key = streamKey(seed, stream);
  return tf.tidy(() => {
    if (hasKernel(kernel)) {
      const attrs = { shape: [...shape], keyLow: key.low, keyHigh: key.high };
      return runKernel(kernel, { step: step ?? tf.scalar(0, 'int32') }, attrs);
    }
    const counter = step === undefined ? 0 : (step.dataSync()[0] as number);
    const size = shape.reduce((product, n) => product * n, 1);
    const words = philoxWords(key, counter, size + (size % 2));
    return tf.tensor(fill(words).subarray(0, size), [...shape], 'float32');
  });
}

/**
 * Random numbers that depend only on (seed, stream, step, element index), not on backend, batch split or resume.
 * They equal TensorFlow's StatelessRandomNormalV2 / StatelessRandomUniformV2 with algorithm Philox, key = (seed, FNV-1a of stream)
 * and counter = (0, step). Backends with the kernels `PhiloxNormal` / `PhiloxUniform` ({ step }, { shape, keyLow, keyHigh })
 * compute on the device; others on the host, which reads `step`.
 */
export function philox(seed: number): Rng {
  return {
    normal: (shape, stream, step) => draw('PhiloxNormal', normalValues, seed, shape, stream, step),
    uniform: (shape, stream, step) => draw('PhiloxUniform', uniformValues, seed, shape, stream, step),
  };
}
