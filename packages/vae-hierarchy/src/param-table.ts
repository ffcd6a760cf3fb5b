/** The table of all tensors of a VAE: key, kind and shape. */
import type { KlVaeConfig, VaeConfig } from './config.ts';
import { type TinyLayer, tinyDecoderLayers, tinyEncoderLayers } from './tiny-layers.ts';

/** One tensor of the VAE: its diffusers key, its shape in memory and the number of inputs of each output. */
export interface ParamSpec {
  readonly key: string;
  readonly kind: 'convWeight' | 'linearWeight' | 'normWeight' | 'bias' | 'normBias';
  readonly shape: readonly number[];
  readonly fanIn: number;
}

function plainConv(key: string, size: number, from: number, to: number): ParamSpec {
  return {
    key: `${key}.weight`,
    kind: 'convWeight',
    shape: [size, size, from, to],
    fanIn: size * size * from,
  };
}

function conv(key: string, size: number, from: number, to: number): ParamSpec[] {
  const weight = plainConv(key, size, from, to);
  return [weight, { key: `${key}.bias`, kind: 'bias', shape: [to], fanIn: weight.fanIn }];
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

function encoder(config: KlVaeConfig, widths: readonly number[]): ParamSpec[] {
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

function decoder(config: KlVaeConfig, widths: readonly number[]): ParamSpec[] {
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

function klTable(config: KlVaeConfig): readonly ParamSpec[] {
  const latent = config.latentChannels;
  const around = config.quantConv ?? true;
  return [
    ...encoder(config, config.blockOutChannels),
    ...(around ? conv('quant_conv', 1, 2 * latent, 2 * latent) : []),
    ...(around ? conv('post_quant_conv', 1, latent, latent) : []),
    ...decoder(config, config.blockOutChannels.toReversed()),
  ];
}

/** Channels inside the global branch over those outside. */
export const GLOBAL_WIDENING = 4;

function tinyLayer(key: string, { kind, from, to }: TinyLayer): ParamSpec[] {
  if (kind === 'relu' || kind === 'nearest') return [];
  if (kind === 'conv') return conv(key, 3, from, to);
  if (kind === 'plain' || kind === 'down') return [plainConv(key, 3, from, to)];
  const wide = GLOBAL_WIDENING * to;
  const branch = [
    plainConv(`${key}.pool.0`, 1, to, wide),
    ...norm(`${key}.pool.1`, wide),
    plainConv(`${key}.pool.3`, 1, wide, to),
  ];
  const convolutions = [0, 2, 4].flatMap((i) => conv(`${key}.conv.${i}`, 3, to, to));
  return kind === 'global' ? [...convolutions, ...branch] : convolutions;
}

/** Every tensor of the VAE, in the order the network uses them. */
export function vaeParamTable(config: VaeConfig): readonly ParamSpec[] {
  if (config.kind !== 'tiny') return klTable(config);
  return [
    ...tinyEncoderLayers(config).flatMap((layer, i) => tinyLayer(`encoder.layers.${i}`, layer)),
    ...tinyDecoderLayers(config).flatMap((layer, i) => tinyLayer(`decoder.layers.${i}`, layer)),
  ];
}
