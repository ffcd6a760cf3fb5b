/** The sizes of a run, from its configuration, its VAE and its data. */
import { alignmentShape, type DiTConfig, SIT, type SiTPreset } from '@ahpa/dit-core';
import { type FeatureRequest, groupShapes, vaeStride } from '@ahpa/image-features';
import { userError } from '@ahpa/messages';
import type { AlignmentSpec, FeatureGroup } from '@ahpa/ports';
import type { VaeConfig } from '@ahpa/vae-hierarchy';
import type { ModelConfig, TrainConfig } from '../config/types.ts';
import type { DataShape } from '../records/checkpoints.ts';
import { type TargetSource, targetSource } from './alignment.ts';

/** Every size of a run that does not depend on a teacher's file. */
export interface Shapes {
  readonly shape: DataShape;
  readonly network: DiTConfig;
  readonly source: TargetSource;
  /** The features of an image. */
  readonly request: FeatureRequest;
  /** The targets of every batch that come from the VAE, in order. */
  readonly groups: readonly FeatureGroup[];
}

/** Sizes of the transformer of a configuration, preset or its own. */
const modelSizes = ({ size }: Pick<ModelConfig, 'size'>): SiTPreset =>
  typeof size === 'string' ? SIT[size] : size;

/** Side in latent pixels of a token of that transformer. */
export const patchSizeOf = (model: Pick<ModelConfig, 'size'>): number => modelSizes(model).patchSize;

/** The transformer of a configuration. */
export function modelConfig(model: ModelConfig, shape: DataShape): DiTConfig {
  const { encoderDepth, qkNorm } = model;
  return {
    ...modelSizes(model),
    ...shape,
    mlpRatio: 4,
    encoderDepths: [encoderDepth],
    ...(qkNorm && { qkNorm }),
  };
}

/**
 * Checks that images divide into whole tokens of `patchSize` latent pixels; `name` is the option with their size.
 * @throws an error the user can fix
 */
export function assertImageSize(size: number, vae: VaeConfig, patchSize: number, name = 'data.size'): void {
  const stride = vaeStride(vae);
  const token = stride * patchSize;
  if (size % token === 0) return;
  const below = Math.floor(size / token) * token;
  const nearest = [below, below + token].filter((side) => side > 0).join(' or ');
  const cause =
    patchSize === 1
      ? `the VAE's factor ${stride}`
      : `${token} pixels a token (the VAE's factor ${stride} times the patch size ${patchSize})`;
  throw userError(`${name} is ${size}, wanted a multiple of ${cause}, such as ${nearest}.`);
}

/** All sizes of a run. @throws an error the user can fix where its images do not divide into whole tokens. */
export function resolveShapes(
  config: Pick<TrainConfig, 'model' | 'alignment' | 'hierarchy'>,
  vae: VaeConfig,
  { size, classes }: { readonly size: number; readonly classes: readonly string[] },
): Shapes {
  assertImageSize(size, vae, patchSizeOf(config.model));
  const shape = {
    latentSize: size / vaeStride(vae),
    latentChannels: vae.latentChannels,
    classes: classes.length,
  };
  const network = modelConfig(config.model, shape);
  const source = targetSource(config.alignment, vae);
  const grid = shape.latentSize / network.patchSize;
  const request = { groups: source.groups, grid, size, hierarchy: config.hierarchy };
  return {
    shape,
    network,
    source,
    request,
    groups: groupShapes(vae, request),
  };
}

/** The network and the targets that an alignment is created for. */
export function alignmentSpec(
  { model, interpolant, train }: Pick<TrainConfig, 'model' | 'interpolant' | 'train'>,
  network: DiTConfig,
  groups: readonly FeatureGroup[],
): AlignmentSpec {
  return {
    ...alignmentShape(network),
    encoderDepth: model.encoderDepth,
    path: interpolant.path,
    seed: train.seed,
    groups,
  };
}
