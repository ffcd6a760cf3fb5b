/**
 * SqueezeNet v1.1 (Iandola 2016), trained on ImageNet: a network small enough to come with the set-up. Its metrics are
 * named after it (sqz-fd, sqz-sfd, sqz-is); their scale is not that of FID.
 * resize to 227 -> minus the mean colour -> conv1 -> fire2..9 with three max pools -> conv10 -> mean over places.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureNetwork, ImageFeatures, NetworkParams } from './network.ts';

/** Side of the images that the network was trained on. */
const SIDE = 227;

/** Mean colour of ImageNet, RGB, out of 255. */
const MEAN: readonly number[] = [123.68, 116.779, 103.939];

/** Channels of the squeeze of fire8 that the spatial features take: 3 x 13 x 13 = 507 values. */
const SPATIAL_CHANNELS = 3;

const POOL_BEFORE = new Set(['fire2', 'fire4', 'fire6']);
const FIRES = ['fire2', 'fire3', 'fire4', 'fire5', 'fire6', 'fire7', 'fire8', 'fire9'] as const;

/** Channels of the squeeze and of each expansion. */
const WIDTHS: readonly (readonly [narrow: number, wide: number])[] = [
  [16, 64],
  [16, 64],
  [32, 128],
  [32, 128],
  [48, 192],
  [48, 192],
  [64, 256],
  [64, 256],
];

type LayerShape = readonly [side: number, inputs: number, outputs: number];

/** Side of the kernel, input and output channels of every convolution. */
export const SQUEEZENET_SHAPES: Readonly<Record<string, LayerShape>> = Object.fromEntries<LayerShape>([
  ['conv1', [3, 3, 64]],
  ...FIRES.flatMap((fire, i): [string, LayerShape][] => {
    const [narrow, wide] = WIDTHS[i] as readonly [number, number];
    const inputs = i === 0 ? 64 : 2 * (WIDTHS[i - 1] as readonly [number, number])[1];
    return [
      [`${fire}/squeeze1x1`, [1, inputs, narrow]],
      [`${fire}/expand1x1`, [1, narrow, wide]],
      [`${fire}/expand3x3`, [3, narrow, wide]],
    ];
  }),
  ['conv10', [1, 512, 1000]],
]);

/** A kernel `[h, w, in, out]` and its bias `[out]`, as the pickle lists them. */
export type SqueezeNetWeights = Readonly<
  Record<string, readonly [kernel: LayerValues, bias: LayerValues] | undefined>
>;

interface LayerValues {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The parameters on the active backend, owned by the caller. The weights were trained on BGR images; conv1 is turned to
 * RGB here. Throws where a layer is missing or has another form.
 */
export function loadSqueezeNet(weights: SqueezeNetWeights): NetworkParams {
  const params: Record<string, tf.Tensor> = {};
  for (const [layer, [side, inputs, outputs]] of Object.entries(SQUEEZENET_SHAPES)) {
    const [kernel, bias] = weights[layer] ?? [];
    const wanted = `[${side},${side},${inputs},${outputs}]`;
    if (!kernel || !bias || `[${kernel.shape}]` !== wanted || `[${bias.shape}]` !== `[${outputs}]`)
      throw new Error(
        `SqueezeNet's ${layer} has ${kernel ? `kernel [${kernel.shape}] and bias [${bias?.shape}]` : 'no weights'}, wanted ${wanted} and [${outputs}].`,
      );
    params[`${layer}.bias`] = tf.tensor(bias.data, [...bias.shape]);
    params[`${layer}.kernel`] = tf.tidy(() => {
      const values = tf.tensor4d(kernel.data, kernel.shape as [number, number, number, number]);
      return layer === 'conv1' ? tf.reverse(values, 2) : values;
    });
  }
  return params;
}

function conv(
  params: NetworkParams,
  layer: string,
  x: tf.Tensor4D,
  pad: 'same' | 'valid',
  stride = 1,
): tf.Tensor4D {
  const kernel = params[`${layer}.kernel`] as tf.Tensor4D;
  return tf.relu(tf.add(tf.conv2d(x, kernel, stride, pad), params[`${layer}.bias`] as tf.Tensor));
}

/** A layer of few channels, read by a narrow and a wide convolution. */
function fire(
  params: NetworkParams,
  name: string,
  x: tf.Tensor4D,
): { squeezed: tf.Tensor4D; y: tf.Tensor4D } {
  const squeezed = conv(params, `${name}/squeeze1x1`, x, 'valid');
  const parts = [
    conv(params, `${name}/expand1x1`, squeezed, 'valid'),
    conv(params, `${name}/expand3x3`, squeezed, 'same'),
  ];
  return { squeezed, y: tf.concat(parts, 3) };
}

/** Images `[B, H, W, 3]`, 0 to 255 -> `[B, 227, 227, 3]`, minus the mean colour; half-pixel centres, no smoothing. */
function prepare(images: tf.Tensor4D): tf.Tensor4D {
  const resized =
    images.shape[1] === SIDE && images.shape[2] === SIDE
      ? images
      : tf.image.resizeBilinear(images, [SIDE, SIDE], false, true);
  return tf.sub(resized, tf.tensor1d([...MEAN]));
}

/** The features after fire9 `[B, 13, 13, 512]` and the squeezed ones of fire8 `[B, 13, 13, 64]`. */
export function squeezeNetMaps(
  params: NetworkParams,
  images: tf.Tensor4D,
): { readonly last: tf.Tensor4D; readonly squeezed: tf.Tensor4D } {
  let x = conv(params, 'conv1', prepare(images), 'valid', 2);
  let squeezed = x;
  for (const name of FIRES) {
    if (POOL_BEFORE.has(name)) x = tf.maxPool(x, 3, 2, 'valid');
    const made = fire(params, name, x);
    x = made.y;
    if (name === 'fire8') squeezed = made.squeezed;
  }
  return { last: x, squeezed };
}

/** Features as tokens `[B, grid * grid, 512]`, row-major: the map after fire9, resized bilinearly. */
export function squeezeNetTokens(params: NetworkParams, images: tf.Tensor4D, grid: number): tf.Tensor3D {
  return tf.tidy(() => {
    const { last } = squeezeNetMaps(params, images);
    const resized = tf.image.resizeBilinear(last, [grid, grid], false, true);
    return tf.reshape(resized, [images.shape[0], grid * grid, last.shape[3]]);
  });
}

function apply(params: NetworkParams, images: tf.Tensor4D): ImageFeatures {
  return tf.tidy(() => {
    const { last, squeezed } = squeezeNetMaps(params, images);
    const [batch, height, width] = squeezed.shape;
    const places = tf.slice(squeezed, [0, 0, 0, 0], [-1, -1, -1, SPATIAL_CHANNELS]);
    return {
      pooled: tf.mean(last, [1, 2]) as tf.Tensor2D,
      spatial: tf.reshape(places, [batch, height * width * SPATIAL_CHANNELS]) as tf.Tensor2D,
      logits: tf.mean(conv(params, 'conv10', last, 'valid'), [1, 2]) as tf.Tensor2D,
    };
  });
}

/** The network. */
export const squeezeNet: FeatureNetwork = { prefix: 'sqz-', name: 'SqueezeNet v1.1', apply };
