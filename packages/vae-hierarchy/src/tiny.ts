/** The networks of an AutoencoderTiny (TAESD): convolutions with ReLU on images in [0, 1], without normalization. */
import { convolution } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { TinyVaeConfig } from './config.ts';
import { groupNorm } from './group-norm.ts';
import { nearest2x } from './layers.ts';
import type {
  ConvParams,
  PlainConvParams,
  TinyBlockParams,
  TinyHalfParams,
  TinyVaeParams,
} from './params.ts';
import { type Encoder, runStages, type Stage } from './stages.ts';
import { type TinyLayer, tinyDecoderLayers, tinyEncoderLayers } from './tiny-layers.ts';

const GLOBAL_GROUPS = 4;
const GLOBAL_EPSILON = 1e-5;

/** Bound of the latents of the decoder, by tanh. */
const LATENT_MAGNITUDE = 3;

function conv(x: tf.Tensor4D, { weight, bias }: PlainConvParams & Partial<ConvParams>): tf.Tensor4D {
  const out = convolution(x, weight, 1, 'same');
  return bias ? tf.add(out, bias) : out;
}

/** Halves the size: zeros before the first row and column, then a 3x3 convolution of stride 2. For even sizes only. */
function down(x: tf.Tensor4D, { weight }: PlainConvParams): tf.Tensor4D {
  const padded = tf.pad(x, [
    [0, 0],
    [1, 0],
    [1, 0],
    [0, 0],
  ]) as tf.Tensor4D;
  return convolution(padded, weight, 2, 'valid');
}

/** `x` plus a 1x1 convolution of its normalized and rectified 1x1 convolution; the normalization spans the image. */
function addGlobal(x: tf.Tensor4D, pool: Required<TinyBlockParams>['pool']): tf.Tensor4D {
  const wide = groupNorm(conv(x, pool[0]), pool[1], GLOBAL_GROUPS, GLOBAL_EPSILON);
  return tf.add(x, conv(tf.relu(wide), pool[3]));
}

function block(x: tf.Tensor4D, params: TinyBlockParams): tf.Tensor4D {
  const input = params.pool ? addGlobal(x, params.pool) : x;
  const first = tf.relu(conv(input, params.conv[0]));
  const second = tf.relu(conv(first, params.conv[2]));
  return tf.relu(tf.add(conv(second, params.conv[4]), input));
}

type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

function createLayer({ kind }: TinyLayer, weights: TinyHalfParams['layers'][number] | undefined): Layer {
  const run: Record<TinyLayer['kind'], Layer> = {
    conv: (x) => conv(x, weights as ConvParams),
    plain: (x) => conv(x, weights as PlainConvParams),
    down: (x) => down(x, weights as PlainConvParams),
    block: (x) => block(x, weights as TinyBlockParams),
    global: (x) => block(x, weights as TinyBlockParams),
    relu: (x) => tf.relu(x),
    nearest: nearest2x,
  };
  return (x) => tf.tidy(() => run[kind](x));
}

/** The encoder; its posterior has no variance. Images in [-1, 1] are brought to [0, 1] first. */
export function tinyEncoder({ encoder }: TinyVaeParams, config: TinyVaeConfig): Encoder {
  const layers = tinyEncoderLayers(config);
  const stages = layers.map((layer, i): Stage => [layer.tap, createLayer(layer, encoder.layers[i])]);
  const [[, first], ...inner] = stages as [Stage, ...Stage[]];
  const [, toLatent] = inner.pop() as Stage;
  return {
    stages: [['conv_in', (x) => tf.tidy(() => first(tf.mul(tf.add(x, 1), 0.5)))], ...inner],
    posterior: (features) => {
      const mean = toLatent(features);
      return { mean, logVar: tf.fill(mean.shape, Number.NEGATIVE_INFINITY) };
    },
  };
}

/** The decoder; images in [0, 1] are brought to [-1, 1] last. */
export function tinyDecode({ decoder }: TinyVaeParams, z: tf.Tensor4D, config: TinyVaeConfig): tf.Tensor4D {
  const bent: tf.Tensor4D = tf.mul(tf.tanh(tf.div(z, LATENT_MAGNITUDE)), LATENT_MAGNITUDE);
  const layers = tinyDecoderLayers(config);
  const stages = layers.map((layer, i): Stage => [layer.kind, createLayer(layer, decoder.layers[i])]);
  const [image] = runStages(stages, bent, new Set());
  return tf.sub(tf.mul(image, 2), 1);
}
