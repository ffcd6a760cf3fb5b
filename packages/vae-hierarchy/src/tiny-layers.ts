/** The layers of an AutoencoderTiny in order; their indices are those of diffusers' `Sequential`. */
import type { TinyVaeConfig } from './config.ts';

/**
 * One layer. `conv` is a 3x3 convolution, `plain` one without bias, `down` one without bias of stride 2, `block` a residual
 * block, `global` one with the branch over the whole image; `relu` and `nearest` have no weights.
 */
export interface TinyLayer {
  readonly kind: 'conv' | 'plain' | 'down' | 'block' | 'global' | 'relu' | 'nearest';
  /** Resolution level of the output: its size is that of the image divided by 2^level. */
  readonly level: number;
  readonly from: number;
  readonly to: number;
  /** Name of an encoder layer's output, as of the taps of an AutoencoderKL. */
  readonly tap: string;
}

function blocks(config: TinyVaeConfig, level: number, number: number): readonly TinyLayer[] {
  const { blockOutChannels, globalBranch } = config;
  const width = blockOutChannels[level] as number;
  const kind = globalBranch && level === blockOutChannels.length - 1 ? 'global' : 'block';
  return Array.from({ length: number }, (_, j) => ({
    kind,
    level,
    from: width,
    to: width,
    tap: `down.${level}.block.${j}`,
  }));
}

/** The encoder: for each level a convolution and its blocks, then a convolution to the latent. */
export function tinyEncoderLayers(config: TinyVaeConfig): readonly TinyLayer[] {
  const { blockOutChannels, inChannels, latentChannels, encoderBlocks } = config;
  const width = blockOutChannels[0] as number;
  const last = blockOutChannels.length - 1;
  const down = (level: number): TinyLayer => ({
    kind: 'down',
    level,
    from: width,
    to: width,
    tap: `down.${level - 1}.downsample`,
  });
  return [
    { kind: 'conv', level: 0, from: inChannels, to: width, tap: 'conv_in' },
    ...encoderBlocks.flatMap((number, level) => [
      ...(level === 0 ? [] : [down(level)]),
      ...blocks(config, level, number),
    ]),
    { kind: 'conv', level: last, from: width, to: latentChannels, tap: 'latent' },
  ];
}

/** The decoder: a convolution, then for each level its blocks, and an upsampling with a convolution after all but the last. */
export function tinyDecoderLayers(config: TinyVaeConfig): readonly TinyLayer[] {
  const { blockOutChannels, inChannels, latentChannels, decoderBlocks } = config;
  const width = blockOutChannels[0] as number;
  const last = blockOutChannels.length - 1;
  const inner = (kind: TinyLayer['kind'], level: number): TinyLayer => ({
    kind,
    level,
    from: width,
    to: width,
    tap: '',
  });
  return [
    { ...inner('conv', last), from: latentChannels },
    inner('relu', last),
    ...decoderBlocks.flatMap((number, i) => [
      ...blocks(config, last - i, number),
      ...(i === last ? [] : [inner('nearest', last - i - 1), inner('plain', last - i - 1)]),
    ]),
    { ...inner('conv', 0), to: inChannels },
  ];
}
