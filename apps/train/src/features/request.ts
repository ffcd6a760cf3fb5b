/** Which features are wanted of a VAE, in words that a cache can be compared by. */
import { tokenChannels, type VaeConfig, vaeTaps } from '@ahpa/vae-hierarchy';
import type { HierarchyConfig } from '../config/types.ts';
import type { VaeFiles } from '../vae/load.ts';
import { vaeStride } from '../vae/load.ts';

/** A group of encoder taps, whose maps become tokens of one target. */
export interface TapGroup {
  readonly name: string;
  readonly taps: readonly string[];
}

/** Groups of taps as tokens on one grid, for images of one size. */
export interface FeatureRequest {
  readonly groups: readonly TapGroup[];
  /** Side of the token grid. */
  readonly grid: number;
  /** Side of the images in pixels. */
  readonly size: number;
  readonly hierarchy: HierarchyConfig;
}

/** A group of features: its name and the width of its tokens. */
export interface GroupShape {
  readonly name: string;
  readonly width: number;
}

/** Channels of each group's tokens before normalisation. */
export function rawWidths(config: VaeConfig, { groups, grid, size, hierarchy }: FeatureRequest): number[] {
  const taps = new Map(vaeTaps(config, size, size).map((tap) => [tap.name, tap]));
  return groups.map((group) =>
    group.taps
      .map((name) => taps.get(name))
      .reduce(
        (sum, tap) => sum + (tap ? tokenChannels(tap.channels, size / tap.scale, grid, hierarchy.resize) : 0),
        0,
      ),
  );
}

/** Whether a normalisation keeps only some components. */
export const reduces = ({ norm }: HierarchyConfig): boolean =>
  norm === 'pca' || norm === 'whiten' || norm === 'innovation';

/** Names and widths of the groups as batches hold them. */
export function groupShapes(config: VaeConfig, request: FeatureRequest): GroupShape[] {
  const { groups, hierarchy } = request;
  const widths = rawWidths(config, request);
  return groups.map(({ name }, g) => ({
    name,
    width: reduces(hierarchy) ? hierarchy.components : (widths[g] as number),
  }));
}

/** Sides of the latent. */
export const latentShape = (config: VaeConfig, size: number): readonly [number, number, number] => {
  const side = size / vaeStride(config);
  return [side, side, config.latentChannels];
};

/** What a cache must have been made with to serve a request. */
export function recipeOf(
  files: VaeFiles,
  { groups, grid, size, hierarchy }: FeatureRequest,
): Record<string, unknown> {
  const { resize, norm, gamma, components, dtype } = hierarchy;
  const numbers = { ...(norm === 'spatial' ? { gamma } : {}), ...(reduces(hierarchy) ? { components } : {}) };
  const taps = Object.fromEntries(groups.map((group) => [group.name, group.taps]));
  return {
    vae: { sha256: files.sha256 },
    image: { size, crop: 'adm' },
    ...(groups.length === 0 ? {} : { tokens: { grid, resize, norm, ...numbers, dtype, groups: taps } }),
  };
}
