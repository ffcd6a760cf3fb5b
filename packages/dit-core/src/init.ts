/** SiT's initialisation: xavier-uniform linears, adaLN and output zero, so that the fresh model returns zero. */
import type { LinearParams, Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { assertConfig, classRows, type DiTConfig, mlpWidth } from './config.ts';
import { outputChannels } from './convention.ts';
import { TIME_FEATURES } from './embed.ts';
import type { BlockParams, DiTParams, NormParams } from './params.ts';

const EMBEDDING_DEVIATION = 0.02;

type Fill = (path: string, outputs: number, inputs: number) => tf.Tensor2D;
type Fills = { readonly xavier: Fill; readonly normal: Fill; readonly zeros: Fill };

/**
 * New parameters of a SiT (REPA's `initialize_weights`). Every parameter has its own stream `init/<path>`.
 * @throws RangeError where the configuration is impossible
 */
export function initDiT(config: DiTConfig, rng: Rng): DiTParams {
  assertConfig(config);
  const { hiddenSize, latentChannels, patchSize, depth } = config;
  const patchWidth = latentChannels * patchSize * patchSize;
  const fills = fillsFrom(rng);
  const { xavier, normal, zeros } = fills;
  const build = () => ({
    x_embedder: {
      proj: {
        weight: tf.reshape(xavier('x_embedder.proj.weight', hiddenSize, patchWidth), [
          hiddenSize,
          latentChannels,
          patchSize,
          patchSize,
        ]) as tf.Tensor4D,
        bias: tf.zeros([hiddenSize]) as tf.Tensor1D,
      },
    },
    t_embedder: {
      mlp: {
        0: layer('t_embedder.mlp.0', hiddenSize, TIME_FEATURES, normal),
        2: layer('t_embedder.mlp.2', hiddenSize, hiddenSize, normal),
      },
    },
    y_embedder: {
      embedding_table: { weight: normal('y_embedder.embedding_table.weight', classRows(config), hiddenSize) },
    },
    blocks: Array.from({ length: depth }, (_, index) => initBlock(`blocks.${index}`, config, fills)),
    final_layer: {
      linear: layer('final_layer.linear', outputChannels(config) * patchSize * patchSize, hiddenSize, zeros),
      adaLN_modulation: { 1: layer('final_layer.adaLN_modulation.1', 2 * hiddenSize, hiddenSize, zeros) },
    },
  });
  return tf.tidy(build);
}

function initBlock(path: string, config: DiTConfig, { xavier, zeros }: Fills): BlockParams {
  const width = config.hiddenSize;
  return {
    attn: {
      qkv: layer(`${path}.attn.qkv`, 3 * width, width, xavier),
      ...(config.qkNorm ? { q_norm: headNorm(config), k_norm: headNorm(config) } : {}),
      proj: layer(`${path}.attn.proj`, width, width, xavier),
    },
    mlp: {
      fc1: layer(`${path}.mlp.fc1`, mlpWidth(config), width, xavier),
      fc2: layer(`${path}.mlp.fc2`, width, mlpWidth(config), xavier),
    },
    adaLN_modulation: { 1: layer(`${path}.adaLN_modulation.1`, 6 * width, width, zeros) },
  };
}

/** A LayerNorm of a head with weight 1 and bias 0. */
function headNorm({ hiddenSize, heads }: DiTConfig): NormParams {
  const width = hiddenSize / heads;
  return { weight: tf.ones([width]), bias: tf.zeros([width]) };
}

function layer(path: string, outputs: number, inputs: number, fill: Fill): LinearParams {
  return { weight: fill(`${path}.weight`, outputs, inputs), bias: tf.zeros([outputs]) };
}

function fillsFrom(rng: Rng): Fills {
  return {
    xavier: (path, outputs, inputs) => {
      const limit = Math.sqrt(6 / (outputs + inputs));
      return tf.mul(tf.sub(rng.uniform([outputs, inputs], `init/${path}`), 0.5), 2 * limit);
    },
    normal: (path, outputs, inputs) =>
      tf.mul(rng.normal([outputs, inputs], `init/${path}`), EMBEDDING_DEVIATION),
    zeros: (_, outputs, inputs) => tf.zeros([outputs, inputs]),
  };
}
