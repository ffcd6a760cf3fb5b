/** The sizes of a run, from its configuration, its VAE and its data. */
import { alignmentShape, type DiTConfig, SIT } from '@ahpa/dit-core';
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

/** The transformer of a configuration. */
export function modelConfig({ size, encoderDepth, qkNorm }: ModelConfig, shape: DataShape): DiTConfig {
  const preset = typeof size === 'string' ? SIT[size] : size;
  return { ...preset, ...shape, mlpRatio: 4, encoderDepths: [encoderDepth], ...(qkNorm && { qkNorm }) };
}

/** All sizes of a run. @throws an error the user can fix where the VAE's stride does not divide the images. */
export function resolveShapes(
  config: Pick<TrainConfig, 'model' | 'alignment' | 'hierarchy'>,
  vae: VaeConfig,
  { size, classes }: { readonly size: number; readonly classes: readonly string[] },
): Shapes {
  const stride = vaeStride(vae);
  if (size % stride !== 0) {
    throw userError(`data.size is ${size}, wanted a multiple of ${stride}, the stride of the VAE.`);
  }
  const shape = {
    latentSize: size / stride,
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
