/** Projection heads from the transformer's hidden tokens to the width of a target: REPA's MLP, SRA2's deeper one, iREPA's convolution. */
import { activatedProduct, addBias, convolution, product, SILU } from '@ahpa/ops';
import type { LinearParams, Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Kind of a head, without its widths. */
export type HeadKind =
  /** Linear layers with SiLU between: 3 in REPA, 5 in SRA2, 2 in SRA; default 3. */
  | { readonly kind: 'mlp'; readonly hidden: number; readonly layers?: number }
  /** One convolution over the token grid, odd kernel: iREPA. */
  | { readonly kind: 'conv'; readonly kernel: number }
  | { readonly kind: 'linear' };

/** A head from width `inFeatures` to width `out`. */
export type HeadConfig = HeadKind & { readonly inFeatures: number; readonly out: number };

/** Linear layers under the even keys 0, 2, ... of a PyTorch `Sequential`; the odd places are SiLUs. */
export type MlpHeadParams = { readonly [place: string]: LinearParams };

/** Parameters of the convolution head: weight [out, in, k, k], bias [out]. */
export type ConvHeadParams = {
  readonly projection_layer: { readonly weight: tf.Tensor4D; readonly bias: tf.Tensor1D };
};

/** Parameters of a head, by its kind. */
export type HeadParams = MlpHeadParams | ConvHeadParams | LinearParams;

const REPA_LAYERS = 3;

/**
 * New parameters of a head. `path` is the head's path in the whole tree (`projectors.0`), which names the random
 * streams. Linear layers are xavier-uniform with zero bias (REPA); the convolution keeps PyTorch's default, uniform
 * within 1 / sqrt(in k k).
 * @throws RangeError where `layers` or `kernel` is not a valid size
 */
export function initHead(config: HeadConfig, rng: Rng, path: string): HeadParams {
  const uniform = (name: string, shape: readonly number[], limit: number): tf.Tensor =>
    tf.mul(tf.sub(rng.uniform(shape, `init/${path}.${name}`), 0.5), 2 * limit);
  const layer = (prefix: string, inputs: number, outputs: number): LinearParams => ({
    weight: uniform(`${prefix}weight`, [outputs, inputs], Math.sqrt(6 / (inputs + outputs))) as tf.Tensor2D,
    bias: tf.zeros([outputs]),
  });
  const { inFeatures, out } = config;
  if (config.kind === 'linear') return tf.tidy(() => layer('', inFeatures, out));
  if (config.kind === 'mlp') {
    const { hidden, layers = REPA_LAYERS } = config;
    if (!Number.isInteger(layers) || layers < 1)
      throw new RangeError(`initHead: layers is ${layers}, wanted a positive integer; REPA has 3.`);
    const width = (index: number): number => (index === 0 ? inFeatures : index === layers ? out : hidden);
    const place = (index: number): [string, LinearParams] => [
      String(2 * index),
      layer(`${2 * index}.`, width(index), width(index + 1)),
    ];
    return tf.tidy(() => Object.fromEntries(Array.from({ length: layers }, (_, index) => place(index))));
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

/**
 * Projects hidden tokens: [B, T, D] -> [B, T, out]. The convolution reads the tokens as a square row-major grid.
 * @throws RangeError where the width differs from `config.inFeatures`, or a convolution is given no square grid
 */
export function applyHead(params: HeadParams, hidden: tf.Tensor3D, config: HeadConfig): tf.Tensor3D {
  if (hidden.shape[2] !== config.inFeatures) {
    throw new RangeError(
      `applyHead: hidden has shape [${hidden.shape}], wanted [B, T, ${config.inFeatures}]; set config.inFeatures to the model's hiddenSize.`,
    );
  }
  switch (config.kind) {
    case 'linear':
      return tf.tidy(() =>
        addBias(product(hidden, (params as LinearParams).weight), (params as LinearParams).bias),
      );
    case 'mlp':
      return applyMlp(params as MlpHeadParams, hidden);
    case 'conv':
      return applyConv(params as ConvHeadParams, hidden);
  }
}

/** The layers of an MLP in order. */
export function listLayers(params: MlpHeadParams): LinearParams[] {
  const places = Object.keys(params).sort((a, b) => Number(a) - Number(b));
  return places.map((place) => params[place] as LinearParams);
}

/** An MLP without the bias of its last layer, which the next operation adds in its own pass: [B, T, D] -> [B, T, out]. */
export function mlpProducts([first, ...rest]: readonly LinearParams[], hidden: tf.Tensor3D): tf.Tensor3D {
  let { bias, weight } = first as LinearParams;
  let x = product(hidden, weight);
  for (const layer of rest) {
    x = activatedProduct(SILU, x, bias, layer.weight);
    ({ bias, weight } = layer);
  }
  return x;
}

function applyMlp(params: MlpHeadParams, hidden: tf.Tensor3D): tf.Tensor3D {
  const layers = listLayers(params);
  return tf.tidy(() => addBias(mlpProducts(layers, hidden), (layers.at(-1) as LinearParams).bias));
}

function applyConv({ projection_layer }: ConvHeadParams, hidden: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, tokens, width] = hidden.shape;
    const grid = toGridSide('applyHead', tokens);
    const image = tf.reshape(hidden, [batch, grid, grid, width]) as tf.Tensor4D;
    const filter = tf.transpose(projection_layer.weight, [2, 3, 1, 0]) as tf.Tensor4D; // [k, k, in, out]
    const projected = tf.add(convolution(image, filter, 1, 'same'), projection_layer.bias);
    return tf.reshape(projected, [batch, tokens, filter.shape[3]]);
  });
}

/** The side of a square of `tokens`. */
function toGridSide(where: string, tokens: number): number {
  const grid = Math.sqrt(tokens);
  if (Number.isInteger(grid)) return grid;
  throw new RangeError(`${where}: hidden has ${tokens} tokens, wanted a square number; use the mlp head.`);
}

/**
 * Tokens of a grid `factor` times as fine, as the pixels of each token's square, channel fastest:
 * [B, g g, factor factor d] -> [B, (g factor)^2, d]. Used by SRA2 for the latent's grid.
 */
export function unfoldTokens(tokens: tf.Tensor3D, factor: number): tf.Tensor3D {
  if (factor === 1) return tf.clone(tokens);
  return tf.tidy(() => {
    const [batch, count, width] = tokens.shape;
    const grid = toGridSide('unfoldTokens', count);
    const fine = width / factor ** 2;
    const split = tf.reshape(tokens, [batch * grid, grid, factor, factor * fine]);
    return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [batch, count * factor ** 2, fine]);
  });
}
