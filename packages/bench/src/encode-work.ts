/** The VAE encoder of a benchmark, with random weights. */

import { compile, deviceState } from '@ahpa/libtensorflow';
import { disposeTree, flatten, philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { encode, initVae, type KlVaeParams } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { ENCODERS, type EncodeSpec } from './encode-spec.ts';
import type { Work } from './work.ts';

/** Encodes one batch to the mean of its latents. */
export function encodeWork({ vae, size, batch, precision }: EncodeSpec): Work {
  const config = ENCODERS[vae];
  const whole = initVae(config, philox(0)) as KlVaeParams;
  const { decoder, post_quant_conv, ...params } = whole;
  const parameters = flatten(params).reduce((sum, tensor) => sum + tensor.size, 0);
  const state = deviceState(params);
  disposeTree(whole);
  const images = tf.randomUniform([batch, size, size, 3], -1, 1);
  const run = compile(
    (weights: Tree, x: tf.Tensor) => {
      const { mean } = encode(weights as never, x as tf.Tensor4D, config).posterior;
      return { mean, value: tf.mean(mean) };
    },
    { precision: precision === 'f32' ? 'float32' : 'bfloat16' },
  );
  return {
    parameters,
    kinds: { encode: () => tf.tidy(() => run(state, images).value.dataSync()[0] as number) },
  };
}
