/** Projection heads from the transformer's hidden tokens to the width of a target: REPA's MLP and iREPA's convolution. */
import * as tf from '@tensorflow/tfjs-core';
import { activatedProduct, addBias, type LinearParams, product } from './nn.ts';

/** Three linear layers with SiLU between (REPA), or one convolution over the token grid (iREPA; odd kernel). */
export type HeadConfig =
  | { readonly kind: 'mlp'; readonly inFeatures: number; readonly hidden: number; readonly out: number }
  | { readonly kind: 'conv'; readonly inFeatures: number; readonly out: number; readonly kernel: number };

/** Parameters of the MLP head. */
export type MlpHeadParams = { readonly 0: LinearParams; readonly 2: LinearParams; readonly 4: LinearParams };

/** Parameters of the convolution head: weight [out, in, k, k], bias [out]. */
export type ConvHeadParams = {
  readonly projection_layer: { readonly weight: tf.Tensor4D; readonly bias: tf.Tensor1D };
};

/** Parameters of a head; which of the two its configuration says. */
export type HeadParams = MlpHeadParams | ConvHeadParams;

/** Counter-based random numbers: the result depends on seed, stream, step (int32 scalar, absent = 0) and element index. */
export type Rng = {
  /** Standard normal numbers. */
  normal(shape: readonly number[], stream: string, step?: tf.Tensor): tf.Tensor;
  /** Uniform numbers in [0, 1). */
  uniform(shape: readonly number[], stream: string, step?: tf.Tensor): tf.Tensor;
};

/**
 * New parameters of a head. `path` is where the head hangs in the whole tree (`projectors.0`): it names the random
 * streams. Linear layers are xavier-uniform with zero bias (REPA); the convolution keeps PyTorch's default, uniform
 * within 1 / sqrt(in k k).
 */
export function initHead(config: HeadConfig, rng: Rng, path: string): HeadParams {
  const uniform = (name: string, shape: readonly number[], limit: number): tf.Tensor =>
    tf.mul(tf.sub(rng.uniform(shape, `init/${path}.${name}`), 0.5), 2 * limit);
  const layer = (place: number, outputs: number, inputs: number): LinearParams => ({
    weight: uniform(`${place}.weight`, [outputs, inputs], Math.sqrt(6 / (inputs + outputs))) as tf.Tensor2D,
    bias: tf.zeros([outputs]),
  });
  const { inFeatures, out } = config;
  if (config.kind === 'mlp') {
    const { hidden } = config;
    return tf.tidy(() => ({
      0: layer(0, hidden, inFeatures),
      2: layer(2, hidden, hidden),
      4: layer(4, out, hidden),
    }));
  }
  const { kernel } = config;
  if (kernel % 2 !== 1)
    throw new RangeError(`initHead: kernel is ${kernel}, wanted an odd number; use 1 or 3.`);
  const limit = 1 / Math.sqrt(inFeatures * kernel * kernel);
  return tf.tidy(() => ({
    projection_layer: {
      weight: uniform('projection_layer.weight', [out, inFeatures, kernel, kernel], limit) as tf.Tensor4D,
      bias: uniform('projection_layer.bias', [out], limit) as tf.Tensor1D,
    },
  }));
}

/** Projects hidden tokens: [B, T, D] -> [B, T, out]. The convolution reads the tokens as a square row-major grid. */
export function applyHead(params: HeadParams, hidden: tf.Tensor3D, config: HeadConfig): tf.Tensor3D {
  if (hidden.shape[2] !== config.inFeatures) {
    throw new RangeError(
      `applyHead: hidden has shape [${hidden.shape}], wanted [B, T, ${config.inFeatures}]; set config.inFeatures to the model's hiddenSize.`,
    );
  }
  return config.kind === 'mlp'
    ? applyMlp(params as MlpHeadParams, hidden)
    : applyConv(params as ConvHeadParams, hidden);
}

function applyMlp(params: MlpHeadParams, hidden: tf.Tensor3D): tf.Tensor3D {
  const { 0: first, 2: second, 4: third } = params;
  return tf.tidy(() => {
    const inner = activatedProduct(product(hidden, first.weight), first.bias, second.weight);
    return addBias(activatedProduct(inner, second.bias, third.weight), third.bias);
  });
}

function applyConv({ projection_layer }: ConvHeadParams, hidden: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, tokens, width] = hidden.shape;
    const grid = Math.sqrt(tokens);
    if (!Number.isInteger(grid)) {
      throw new RangeError(
        `applyHead: hidden has ${tokens} tokens, wanted a square number; use the mlp head.`,
      );
    }
    const image = tf.reshape(hidden, [batch, grid, grid, width]) as tf.Tensor4D;
    const filter = tf.transpose(projection_layer.weight, [2, 3, 1, 0]) as tf.Tensor4D; // [k, k, in, out]
    const projected = tf.add(tf.conv2d(image, filter, 1, 'same'), projection_layer.bias);
    return tf.reshape(projected, [batch, tokens, filter.shape[3]]);
  });
}
