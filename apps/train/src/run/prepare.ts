/** Everything a run needs before its first step: images, VAE, features, model. */

import { type DiTConfig, type DiTParams, tokenCount } from '@ahpa/dit-core';
import { userError } from '@ahpa/messages';
import type { Tree } from '@ahpa/ports';
import type { TrainDeps } from '@ahpa/trainer';
import type { TrainConfig } from '../config/types.ts';
import type { Data } from '../features/data.ts';
import type { Examples } from '../features/examples.ts';
import { openData } from '../features/open-data.ts';
import { groupShapes } from '../features/request.ts';
import { openTeacher, type Teacher } from '../features/teacher.ts';
import { type Decoder, decoder } from '../models/image-sampler.ts';
import type { Reporter } from '../report.ts';
import { readVae, type VaeFiles, vaeParams, vaeStride } from '../vae/load.ts';
import { alignmentContext, type FeatureGroup } from '../variants/context.ts';
import { loadAlignment } from '../variants/index.ts';
import { type TargetSource, targetSource } from '../variants/targets.ts';
import { type DataShape, modelConfig, wire } from '../wiring.ts';
import type { Engine } from './engine.ts';

/** The prepared parts of a run. */
export interface Prepared {
  readonly shape: DataShape;
  readonly classes: readonly string[];
  readonly model: DiTConfig;
  readonly deps: TrainDeps<DiTParams & Tree, Tree, Tree>;
  /** The targets of every batch, in order; empty without alignment. */
  readonly groups: readonly FeatureGroup[];
  readonly train: Examples;
  /** Examples that are never trained on; made when first asked for. */
  heldOut(): Promise<Examples>;
  readonly decode: Decoder;
  dispose(): void;
}

/** Loads or makes all of it. */
export async function prepare(config: TrainConfig, engine: Engine, reporter: Reporter): Promise<Prepared> {
  const files = await readVae(config.vae, reporter);
  const data = await openData(config.data, reporter);
  const shape = dataShape(data, files);
  const model = modelConfig(config.model, shape);
  const source = targetSource(config.alignment, files.config);
  const vae = engine.model(vaeParams(files));
  const grid = shape.latentSize / model.patchSize;
  const request = { groups: source.groups, grid, size: data.size, hierarchy: config.hierarchy };
  const latentPatch = source.latent ? model.patchSize : undefined;
  const teacher = await teacherOf(config, source);
  const context = { files, vae, request, latentPatch, reporter };
  const sides = await data.examples(teacher === undefined ? context : { ...context, teacher });
  const tokens = tokenCount(model);
  const latentGroup = { name: 'latent', width: shape.latentChannels * model.patchSize ** 2, tokens };
  const groups = source.latent
    ? [latentGroup]
    : (teacher?.shapes ?? groupShapes(files.config, request).map((group) => ({ ...group, tokens })));
  return {
    shape,
    classes: data.classes,
    model,
    deps: wire(config, model, await loadAlignment(config.alignment, alignmentContext(config, model, groups))),
    groups,
    train: sides.train,
    heldOut: sides.heldOut,
    decode: decoder(vae, files.config),
    dispose: () => {
      sides.dispose();
      vae.dispose();
      void data.close();
      void teacher?.close();
    },
  };
}

/** The teacher's features of a configuration that names a file of them. */
async function teacherOf({ data }: TrainConfig, { teacher }: TargetSource): Promise<Teacher | undefined> {
  if (teacher === undefined) return undefined;
  if (data.kind === 'cache') return openTeacher(teacher);
  throw userError(
    `alignment.teacher.path: its rows are the records of a cache, got data.kind "${data.kind}"; extract the data first.`,
  );
}

/** The sizes that data and VAE fix. Throws where the VAE cannot halve the image as often as it wants to. */
export function dataShape(
  { size, classes }: Pick<Data, 'size' | 'classes'>,
  { config }: Pick<VaeFiles, 'config'>,
): DataShape {
  const stride = vaeStride(config);
  if (size % stride !== 0) {
    throw userError(`data.size is ${size}, wanted a multiple of ${stride}, the stride of the VAE.`);
  }
  return { latentSize: size / stride, latentChannels: config.latentChannels, classes: classes.length };
}
