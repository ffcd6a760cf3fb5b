/** Inspection of a VAE: its feature maps, their cost, and the disk space of an image's features. */
import { statSync } from 'node:fs';
import { readVae, vaeFolder, vaeStride } from '@ahpa/image-features';
import type { Reporter } from '@ahpa/messages';
import { diffusersFolder, tensorNames } from '@ahpa/sit-models';
import { defaultGroups, findVaePrefix, type VaeConfig, type VaeTap, vaeTaps } from '@ahpa/vae-hierarchy';
import type { VaeFileChoice } from '../config/types.ts';
import { isModelFolder } from './model-folder.ts';

/** One map of the encoder for one image. */
export interface VaeLevel extends Pick<VaeTap, 'name' | 'channels'> {
  readonly height: number;
  readonly width: number;
  /** Multiply-adds from the image up to this map, in 1e9. */
  readonly gmacs: number;
  /** Bytes of the map in float16. */
  readonly mapBytes: number;
  /** Bytes of its tokens on the grid in float16, averaged. */
  readonly tokenBytes: number;
}

/** A VAE in numbers. */
export interface VaeInspection {
  readonly path: string;
  readonly kind: 'AutoencoderKL' | 'AutoencoderTiny';
  readonly sha256: string;
  readonly parameters: number;
  /** Sides and channels of the latent. */
  readonly latent: readonly [number, number, number];
  readonly scalingFactor: number;
  readonly levels: readonly VaeLevel[];
  /** Taps of the default groups. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Bytes of an image in a cache of the default groups: moments in float32, tokens in float16. */
  readonly bytesPerImage: number;
}

/** Whether a folder or file is a VAE rather than something else with tensors; only names are read. */
export async function isVae(path: string): Promise<boolean> {
  if (statSync(path).isDirectory())
    return (
      diffusersFolder(path) === undefined && !isModelFolder(path) && (await vaeFolder(path)) !== undefined
    );
  return findVaePrefix(await tensorNames(path)) !== undefined;
}

/** Reads a VAE and counts for images of `size` pixels and tokens on `grid` by `grid`. */
export async function inspectVae(
  choice: VaeFileChoice,
  size: number,
  grid: number,
  reporter?: Reporter,
): Promise<VaeInspection> {
  const { path, config, sha256, tensors } = await readVae(choice, reporter);
  const side = size / vaeStride(config);
  const levels = vaeTaps(config, size, size).map(({ name, channels, scale, cumulativeMacs }): VaeLevel => {
    const [height, width] = [size / scale, size / scale];
    const gmacs = cumulativeMacs / 1e9;
    return {
      name,
      channels,
      height,
      width,
      gmacs,
      mapBytes: 2 * channels * height * width,
      tokenBytes: 2 * channels * grid * grid,
    };
  });
  const groups: VaeInspection['groups'] = config.blockOutChannels.length < 3 ? {} : defaultGroups(config);
  return {
    path,
    kind: config.kind === 'tiny' ? 'AutoencoderTiny' : 'AutoencoderKL',
    sha256,
    parameters: Object.values(tensors).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    latent: [side, side, config.latentChannels],
    scalingFactor: config.scalingFactor,
    levels,
    groups,
    bytesPerImage: cachedBytes(config, side, levels, Object.values(groups).flat()),
  };
}

function cachedBytes(
  { latentChannels }: VaeConfig,
  side: number,
  levels: readonly VaeLevel[],
  taps: readonly string[],
): number {
  const moments = 2 * 4 * side * side * latentChannels;
  const tokens = levels
    .filter(({ name }) => taps.includes(name))
    .reduce((sum, { tokenBytes }) => sum + tokenBytes, 0);
  return 4 + moments + tokens;
}

/** The inspection as lines of a table. */
export function describeVae(found: VaeInspection, size: number, grid: number): string[] {
  const { path, kind, parameters, latent, scalingFactor, levels, groups, bytesPerImage, sha256 } = found;
  return [
    `${path}: ${kind}, ${(parameters / 1e6).toFixed(2)} million parameters, encoder ${sha256.slice(0, 12)}`,
    `${size} x ${size} pixels become a latent of ${latent.join(' x ')}, scaled by ${scalingFactor}`,
    `  ${'tap'.padEnd(20)} ${'map'.padStart(16)} ${'GMACs so far'.padStart(13)} ${'map, fp16'.padStart(11)} ${`${grid}x${grid} tokens`.padStart(14)}`,
    ...levels.map(({ name, channels, height, width, gmacs, mapBytes, tokenBytes }) => {
      const map = `${height}x${width}x${channels}`;
      return `  ${name.padEnd(20)} ${map.padStart(16)} ${gmacs.toFixed(3).padStart(13)} ${kilobytes(mapBytes).padStart(11)} ${kilobytes(tokenBytes).padStart(14)}`;
    }),
    ...Object.entries(groups).map(([name, taps]) => `  group ${name.padEnd(7)} ${taps.join(', ')}`),
    `A cached image takes ${kilobytes(bytesPerImage)} with these groups (moments in float32, tokens in float16).`,
  ];
}

const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} kB`;
