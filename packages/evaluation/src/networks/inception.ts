/**
 * The Inception-v3 of FID: the 2015 graph of TensorFlow in the layout of PyTorch's port (`pt_inception-2015-12-05`).
 * It differs from torchvision's in what metrics depend on: the resize of TensorFlow 1, (x - 128) / 128, average pools that
 * leave padding out, a max pool in the last block, 1,008 outputs.
 * stem -> Mixed_5b..5d -> 6a -> 6b..6e -> 7a -> 7b, 7c -> mean over places.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureNetwork, ImageFeatures, NetworkParams } from './network.ts';

const SIDE = 299;

/** Channels of Mixed_6d's first branch that stand for where things are: 7 x 17 x 17 = 2,023 values. */
const SPATIAL_CHANNELS = 7;

/** Convolutions by their path in the network; each is followed by its folded normalisation and ReLU. */
type Conv = (name: string, x: tf.Tensor4D, stride?: 1 | 2) => tf.Tensor4D;

type Block = (conv: Conv, name: string, x: tf.Tensor4D) => tf.Tensor4D;

/** Strided convolutions and the stem's first two are not padded. */
const VALID = new Set(['Conv2d_1a_3x3', 'Conv2d_2a_3x3', 'Conv2d_3b_1x1', 'Conv2d_4a_3x3']);

function convolution(params: NetworkParams): Conv {
  return (name, x, stride = 1) => {
    const pad = stride === 2 || VALID.has(name) ? 'valid' : 'same';
    const y = tf.conv2d(x, params[`${name}.kernel`] as tf.Tensor4D, stride, pad);
    return tf.relu(tf.add(y, params[`${name}.bias`] as tf.Tensor));
  };
}

const averagePool = (x: tf.Tensor4D): tf.Tensor4D => tf.avgPool(x, 3, 1, 'same');
const reduce = (x: tf.Tensor4D): tf.Tensor4D => tf.maxPool(x, 3, 2, 'valid');
const join = (branches: tf.Tensor4D[]): tf.Tensor4D => tf.concat(branches, 3);

/** Applies convolutions named `<block>.<first>_1`, `_2`, ... one after the other. */
const chain = (conv: Conv, stem: string, count: number, x: tf.Tensor4D): tf.Tensor4D =>
  Array.from({ length: count }, (_, i) => `${stem}_${i + 1}`).reduce((y, name) => conv(name, y), x);

const blockA: Block = (conv, name, x) =>
  join([
    conv(`${name}.branch1x1`, x),
    chain(conv, `${name}.branch5x5`, 2, x),
    chain(conv, `${name}.branch3x3dbl`, 3, x),
    conv(`${name}.branch_pool`, averagePool(x)),
  ]);

const blockB: Block = (conv, name, x) =>
  join([
    conv(`${name}.branch3x3`, x, 2),
    conv(`${name}.branch3x3dbl_3`, chain(conv, `${name}.branch3x3dbl`, 2, x), 2),
    reduce(x),
  ]);

const blockC: Block = (conv, name, x) =>
  join([
    conv(`${name}.branch1x1`, x),
    chain(conv, `${name}.branch7x7`, 3, x),
    chain(conv, `${name}.branch7x7dbl`, 5, x),
    conv(`${name}.branch_pool`, averagePool(x)),
  ]);

const blockD: Block = (conv, name, x) =>
  join([
    conv(`${name}.branch3x3_2`, conv(`${name}.branch3x3_1`, x), 2),
    conv(`${name}.branch7x7x3_4`, chain(conv, `${name}.branch7x7x3`, 3, x), 2),
    reduce(x),
  ]);

/** The last two blocks, which end in pairs of 1 x 3 and 3 x 1; the very last one pools by maximum. */
const blockE =
  (pool: (x: tf.Tensor4D) => tf.Tensor4D): Block =>
  (conv, name, x) => {
    const narrow = conv(`${name}.branch3x3_1`, x);
    const wide = chain(conv, `${name}.branch3x3dbl`, 2, x);
    return join([
      conv(`${name}.branch1x1`, x),
      conv(`${name}.branch3x3_2a`, narrow),
      conv(`${name}.branch3x3_2b`, narrow),
      conv(`${name}.branch3x3dbl_3a`, wide),
      conv(`${name}.branch3x3dbl_3b`, wide),
      conv(`${name}.branch_pool`, pool(x)),
    ]);
  };

function stem(conv: Conv, x: tf.Tensor4D): tf.Tensor4D {
  const small = conv('Conv2d_2b_3x3', conv('Conv2d_2a_3x3', conv('Conv2d_1a_3x3', x, 2)));
  return reduce(conv('Conv2d_4a_3x3', conv('Conv2d_3b_1x1', reduce(small))));
}

const BLOCKS: readonly (readonly [name: string, block: Block])[] = [
  ['Mixed_5b', blockA],
  ['Mixed_5c', blockA],
  ['Mixed_5d', blockA],
  ['Mixed_6a', blockB],
  ['Mixed_6b', blockC],
  ['Mixed_6c', blockC],
  ['Mixed_6d', blockC],
  ['Mixed_6e', blockC],
  ['Mixed_7a', blockD],
  ['Mixed_7b', blockE(averagePool)],
  ['Mixed_7c', blockE((x) => tf.maxPool(x, 3, 1, 'same'))],
];

/** Images `[B, H, W, 3]`, 0 to 255, as TensorFlow 1 resized them: corners not aligned, no half pixels. */
const prepare = (images: tf.Tensor4D): tf.Tensor4D =>
  tf.mul(tf.sub(tf.image.resizeBilinear(images, [SIDE, SIDE], false, false), 128), 1 / 128);

function apply(params: NetworkParams, images: tf.Tensor4D): ImageFeatures {
  return tf.tidy(() => {
    const conv = convolution(params);
    let x = stem(conv, prepare(images));
    let places = x;
    for (const [name, block] of BLOCKS) {
      if (name === 'Mixed_6d') places = conv('Mixed_6d.branch1x1', x);
      x = block(conv, name, x);
    }
    const pooled = tf.mean(x, [1, 2]) as tf.Tensor2D;
    const spatial = tf.slice(places, [0, 0, 0, 0], [-1, -1, -1, SPATIAL_CHANNELS]);
    return {
      pooled,
      spatial: tf.reshape(spatial, [images.shape[0], -1]) as tf.Tensor2D,
      logits: tf.matMul(pooled, params['fc.kernel'] as tf.Tensor2D) as tf.Tensor2D,
    };
  });
}

/** The network. */
export const inception: FeatureNetwork = { prefix: '', name: 'Inception v3 (2015-12-05)', apply };
