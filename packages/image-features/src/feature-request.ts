/** Features requested of a VAE, and the recipe that caches are compared by. */
import type { Model } from '@ahpa/engine';
import type { FeatureGroup } from '@ahpa/ports';
import { defaultGroups, tokenChannels, type VaeConfig, type VaeParams, vaeTaps } from '@ahpa/vae-hierarchy';
import { type HierarchyOptions, hierarchyOptions } from './hierarchy-options.ts';
import { type VaeFiles, vaeStride } from './vae/read-vae.ts';

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
  readonly hierarchy: HierarchyOptions;
}

/** A frozen VAE on a backend, and the features requested of it. */
export interface VaeFeatures {
  readonly files: VaeFiles;
  readonly vae: Model<VaeParams>;
  readonly request: FeatureRequest;
}

/** Request with the default groups of a VAE and default options where none are given. */
export function featureRequest(
  config: VaeConfig,
  { size, grid }: Pick<FeatureRequest, 'size' | 'grid'>,
  hierarchy: Partial<HierarchyOptions> = {},
  groups: Readonly<Record<string, readonly string[]>> = defaultGroups(config),
): FeatureRequest {
  return {
    size,
    grid,
    groups: Object.entries(groups).map(([name, taps]) => ({ name, taps })),
    hierarchy: hierarchyOptions.parse(hierarchy),
  };
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
export const reduces = ({ norm }: Pick<HierarchyOptions, 'norm'>): boolean =>
  norm === 'pca' || norm === 'whiten' || norm === 'innovation';

/** Whether a request needs numbers that are fitted on images. */
export const needsFit = ({ groups, hierarchy: { norm } }: FeatureRequest): boolean =>
  groups.length > 0 && norm !== 'none' && norm !== 'spatial';

/** Name, token count and width of the groups of a batch. */
export function groupShapes(config: VaeConfig, request: FeatureRequest): FeatureGroup[] {
  const { groups, grid, hierarchy } = request;
  const widths = rawWidths(config, request);
  return groups.map(({ name }, g) => ({
    name,
    tokens: grid ** 2,
    width: reduces(hierarchy) ? hierarchy.components : (widths[g] as number),
  }));
}

/** Height, width and channels of the latent of an image of `size` pixels. */
export const latentShape = (config: VaeConfig, size: number): readonly [number, number, number] => {
  const side = size / vaeStride(config);
  return [side, side, config.latentChannels];
};

/** Everything that a cache must have been made with to serve a request. */
export function cacheRecipe({
  files,
  request: { groups, grid, size, hierarchy },
}: Pick<VaeFeatures, 'files' | 'request'>): Record<string, unknown> {
  const { resize, norm, gamma, components, dtype } = hierarchy;
  const numbers = { ...(norm === 'spatial' ? { gamma } : {}), ...(reduces(hierarchy) ? { components } : {}) };
  const taps = Object.fromEntries(groups.map((group) => [group.name, group.taps]));
  return {
    vae: { sha256: files.sha256 },
    image: { size, crop: 'adm' },
    ...(groups.length === 0 ? {} : { tokens: { grid, resize, norm, ...numbers, dtype, groups: taps } }),
  };
}
