/** The table of all tensors of a VAE (key, kind, shape) and the tree built from it. */
import type * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import type { VaeParams } from './params.ts';

/** One tensor of the VAE: its diffusers key, its shape in memory and the number of inputs of each output. */
export interface ParamSpec {
  readonly key: string;
  readonly kind: 'convWeight' | 'linearWeight' | 'normWeight' | 'bias' | 'normBias';
  readonly shape: readonly number[];
  readonly fanIn: number;
}

function conv(key: string, size: number, from: number, to: number): ParamSpec[] {
  const fanIn = size * size * from;
  return [
    { key: `${key}.weight`, kind: 'convWeight', shape: [size, size, from, to], fanIn },
    { key: `${key}.bias`, kind: 'bias', shape: [to], fanIn },
  ];
}

function linear(key: string, from: number, to: number): ParamSpec[] {
  return [
    { key: `${key}.weight`, kind: 'linearWeight', shape: [to, from], fanIn: from },
    { key: `${key}.bias`, kind: 'bias', shape: [to], fanIn: from },
  ];
}

function norm(key: string, channels: number): ParamSpec[] {
  return [
    { key: `${key}.weight`, kind: 'normWeight', shape: [channels], fanIn: 1 },
    { key: `${key}.bias`, kind: 'normBias', shape: [channels], fanIn: 1 },
  ];
}

function resnet(key: string, from: number, to: number): ParamSpec[] {
  return [
    ...norm(`${key}.norm1`, from),
    ...conv(`${key}.conv1`, 3, from, to),
    ...norm(`${key}.norm2`, to),
    ...conv(`${key}.conv2`, 3, to, to),
    ...(from === to ? [] : conv(`${key}.conv_shortcut`, 1, from, to)),
  ];
}

function middle(key: string, channels: number, attention: boolean): ParamSpec[] {
  const heads = `${key}.attentions.0`;
  return [
    ...(attention ? norm(`${heads}.group_norm`, channels) : []),
    ...(attention
      ? ['to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((name) => linear(`${heads}.${name}`, channels, channels))
      : []),
    ...resnet(`${key}.resnets.0`, channels, channels),
    ...resnet(`${key}.resnets.1`, channels, channels),
  ];
}

/** The levels of one half: `layers` residual blocks each, and a resampling convolution after all but the last. */
function levels(
  key: string,
  widths: readonly number[],
  first: number,
  layers: number,
  resample: string,
): ParamSpec[] {
  return widths.flatMap((width, i) => {
    const before = widths[i - 1] ?? first;
    const blocks = Array.from({ length: layers }, (_, j) =>
      resnet(`${key}.${i}.resnets.${j}`, j === 0 ? before : width, width),
    );
    const last = i === widths.length - 1;
    return [...blocks.flat(), ...(last ? [] : conv(`${key}.${i}.${resample}.0.conv`, 3, width, width))];
  });
}

function encoder(config: VaeConfig, widths: readonly number[]): ParamSpec[] {
  const first = widths[0] as number;
  const last = widths[widths.length - 1] as number;
  return [
    ...conv('encoder.conv_in', 3, config.inChannels, first),
    ...levels('encoder.down_blocks', widths, first, config.layersPerBlock, 'downsamplers'),
    ...middle('encoder.mid_block', last, config.midBlockAttention),
    ...norm('encoder.conv_norm_out', last),
    ...conv('encoder.conv_out', 3, last, 2 * config.latentChannels),
  ];
}

function decoder(config: VaeConfig, widths: readonly number[]): ParamSpec[] {
  const first = widths[0] as number;
  const last = widths[widths.length - 1] as number;
  return [
    ...conv('decoder.conv_in', 3, config.latentChannels, first),
    ...middle('decoder.mid_block', first, config.midBlockAttention),
    ...levels('decoder.up_blocks', widths, first, config.layersPerBlock + 1, 'upsamplers'),
    ...norm('decoder.conv_norm_out', last),
    ...conv('decoder.conv_out', 3, last, config.inChannels),
  ];
}

/** Every tensor of the VAE, in the order the network uses them. */
export function vaeParamTable(config: VaeConfig): readonly ParamSpec[] {
  const latent = config.latentChannels;
  return [
    ...encoder(config, config.blockOutChannels),
    ...conv('quant_conv', 1, 2 * latent, 2 * latent),
    ...conv('post_quant_conv', 1, latent, latent),
    ...decoder(config, config.blockOutChannels.toReversed()),
  ];
}

type Node = { [key: string]: Node } | Node[] | tf.Tensor;

/** Nests tensors by their dotted keys; a number in a key is a position in a list. */
export function treeFromTable(
  specs: readonly ParamSpec[],
  tensorOf: (spec: ParamSpec) => tf.Tensor,
): VaeParams {
  const root: { [key: string]: Node } = {};
  for (const spec of specs) {
    const path = spec.key.split('.');
    const leaf = path.pop() as string;
    let node = root;
    path.forEach((part, i) => {
      const next = path[i + 1] ?? leaf;
      node[part] ??= /^\d+$/.test(next) ? [] : {};
      node = node[part] as { [key: string]: Node };
    });
    node[leaf] = tensorOf(spec);
  }
  return root as unknown as VaeParams;
}

/** The tensor of a dotted key. */
export function tensorAt(params: VaeParams, key: string): tf.Tensor {
  let node = params as unknown as Node;
  for (const part of key.split('.')) node = (node as { [key: string]: Node })[part] as Node;
  return node as tf.Tensor;
}
