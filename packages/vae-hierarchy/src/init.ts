/** Fresh weights for training a VAE. */
import type { Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { type ParamSpec, vaeParamTable } from './param-table.ts';
import type { VaeParams } from './params.ts';
import { treeFromTable } from './tree.ts';

function initTensor(spec: ParamSpec, rng: Pick<Rng, 'uniform'>): tf.Tensor {
  const shape = [...spec.shape];
  if (spec.kind === 'normWeight') return tf.ones(shape);
  if (spec.kind === 'normBias') return tf.zeros(shape);
  const bound = 1 / Math.sqrt(spec.fanIn);
  return tf.tidy(() => tf.add(tf.mul(rng.uniform(shape, `init/${spec.key}`), 2 * bound), -bound));
}

/**
 * Weights drawn as PyTorch's convolution and linear layers draw theirs: U(-1/sqrt(fanIn), 1/sqrt(fanIn)) for weights and
 * biases; norms start as the identity. The stream of each tensor is `init/<dotted key>`.
 */
export function initVae(config: VaeConfig, rng: Pick<Rng, 'uniform'>): VaeParams {
  return tf.tidy(() => treeFromTable(vaeParamTable(config), (spec) => initTensor(spec, rng)) as never);
}
