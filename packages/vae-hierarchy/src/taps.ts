/** Feature maps of an encoder: names, sizes and costs. */
import type { KlVaeConfig, TinyVaeConfig, VaeConfig } from './config.ts';
import { GLOBAL_WIDENING } from './param-table.ts';
import { type TinyLayer, tinyEncoderLayers } from './tiny-layers.ts';

/** One feature map of the encoder. */
export interface VaeTap {
  readonly name: string;
  readonly channels: number;
  /** Image pixels per position, along each side. */
  readonly scale: number;
  /** Multiply-adds of the stage that makes this map, for one image. */
  readonly macs: number;
  /** Multiply-adds from the image up to this map. */
  readonly cumulativeMacs: number;
}

type Stage = Omit<VaeTap, 'cumulativeMacs'>;

function blockMacs(from: number, to: number, positions: number): number {
  return positions * (9 * from * to + 9 * to * to + (from === to ? 0 : from * to));
}

function levelTaps(config: KlVaeConfig, level: number, pixels: number): readonly Stage[] {
  const widths = config.blockOutChannels;
  const channels = widths[level] as number;
  const before = widths[level - 1] ?? channels;
  const scale = 2 ** level;
  const positions = pixels / scale ** 2;
  const blocks = Array.from({ length: config.layersPerBlock }, (_, j) => ({
    name: `down.${level}.block.${j}`,
    channels,
    scale,
    macs: blockMacs(j === 0 ? before : channels, channels, positions),
  }));
  const down = {
    name: `down.${level}.downsample`,
    channels,
    scale: 2 * scale,
    macs: (9 * channels ** 2 * positions) / 4,
  };
  return level < widths.length - 1 ? [...blocks, down] : blocks;
}

function middleTaps(config: KlVaeConfig, pixels: number): readonly Stage[] {
  const channels = config.blockOutChannels[config.blockOutChannels.length - 1] as number;
  const latent = 2 * config.latentChannels;
  const scale = 2 ** (config.blockOutChannels.length - 1);
  const positions = pixels / scale ** 2;
  const at = { channels, scale };
  const block = blockMacs(channels, channels, positions);
  const attention = 4 * channels ** 2 * positions + 2 * channels * positions ** 2;
  return [
    { name: 'mid.block_1', ...at, macs: block },
    ...(config.midBlockAttention ? [{ name: 'mid.attn_1', ...at, macs: attention }] : []),
    { name: 'mid.block_2', ...at, macs: block },
    {
      name: 'latent',
      channels: config.latentChannels,
      scale,
      macs: positions * (9 * channels * latent + latent ** 2),
    },
  ];
}

function klTaps(config: KlVaeConfig, pixels: number): readonly Stage[] {
  const first = config.blockOutChannels[0] as number;
  return [
    { name: 'conv_in', channels: first, scale: 1, macs: 9 * config.inChannels * first * pixels },
    ...config.blockOutChannels.flatMap((_, level) => levelTaps(config, level, pixels)),
    ...middleTaps(config, pixels),
  ];
}

function tinyTaps(config: TinyVaeConfig, pixels: number): readonly Stage[] {
  const convolutions = ({ kind }: TinyLayer): number => (kind === 'block' || kind === 'global' ? 3 : 1);
  return tinyEncoderLayers(config).map((layer) => {
    const { level, from, to, tap } = layer;
    const branch = layer.kind === 'global' ? 2 * GLOBAL_WIDENING * to ** 2 : 0;
    const scale = 2 ** level;
    const macs = (pixels / scale ** 2) * (9 * convolutions(layer) * from * to + branch);
    return { name: tap, channels: to, scale, macs };
  });
}

/** Every tap in the order the encoder computes them; costs are for an image of `height` by `width`. */
export function vaeTaps(config: VaeConfig, height = 256, width = 256): readonly VaeTap[] {
  const pixels = height * width;
  const stages = config.kind === 'tiny' ? tinyTaps(config, pixels) : klTaps(config, pixels);
  let cumulativeMacs = 0;
  return stages.map((stage) => {
    cumulativeMacs += stage.macs;
    return { ...stage, cumulativeMacs };
  });
}

/** Name of the deepest map of the encoder, the last one before the latent. */
export function deepestTap(config: VaeConfig): string {
  return (vaeTaps(config).at(-2) as VaeTap).name;
}

/**
 * Three groups of taps: `coarse` is the last map before the latent, `mid` the level before the coarsest, `fine` all levels
 * before that. The paper names the three kinds and not the taps; this is the reconstruction's default.
 * @throws RangeError where the VAE has fewer than 3 levels
 */
export function defaultGroups(config: VaeConfig): Record<'fine' | 'mid' | 'coarse', readonly string[]> {
  const levels = config.blockOutChannels.length;
  if (levels < 3) {
    throw new RangeError(
      `defaultGroups: the VAE has ${levels} levels, wanted at least 3; name the taps of each group instead.`,
    );
  }
  const blocks = (level: number): number =>
    config.kind === 'tiny' ? (config.encoderBlocks[level] as number) : config.layersPerBlock;
  const last = (level: number): string => `down.${level}.block.${blocks(level) - 1}`;
  return {
    fine: Array.from({ length: levels - 2 }, (_, level) => last(level)),
    mid: [last(levels - 2)],
    coarse: [deepestTap(config)],
  };
}
