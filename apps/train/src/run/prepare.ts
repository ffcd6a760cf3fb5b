/** Everything a run needs before its first step: images, VAE, features, model. */

import type { DiTConfig } from '@ahpa/dit-core';
import type { Engine } from '@ahpa/engine';
import { type Dataset, openTeacher, readVae, type Teacher, vaeParams } from '@ahpa/image-features';
import { type Reporter, userError } from '@ahpa/messages';
import type { FeatureGroup } from '@ahpa/ports';
import type { VaeConfig } from '@ahpa/vae-hierarchy';
import type { TrainConfig } from '../config/types.ts';
import { openData } from '../data/kinds.ts';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { loadAlignment, type TargetSource } from '../models/alignment.ts';
import { type Decoder, decoder } from '../models/image-sampler.ts';
import { alignmentSpec, resolveShapes } from '../models/shapes.ts';
import { type RunDeps, trainDeps } from '../models/wiring.ts';
import type { DataShape } from '../records/checkpoints.ts';
import { gridClasses } from '../sampling/choose-classes.ts';

/** The prepared parts of a run. */
export interface Prepared {
  readonly shape: DataShape;
  readonly classes: readonly string[];
  /** Images of every class, by index. */
  readonly counts: readonly number[];
  /** Indices of the classes of sample grids; empty without grids. */
  readonly grid: readonly number[];
  readonly model: DiTConfig;
  readonly deps: RunDeps;
  /** The targets of every batch, in order; empty without alignment. */
  readonly groups: readonly FeatureGroup[];
  readonly train: Dataset;
  /** Items that are never trained on; made on first use. */
  heldOut(): Promise<Dataset>;
  readonly decode: Decoder;
  /** Sizes of the VAE. */
  readonly vae: VaeConfig;
  dispose(): void;
}

/** Loads or makes all of it. @throws an error the user can fix where data, VAE and configuration do not fit together */
export async function prepare(config: TrainConfig, engine: Engine, reporter: Reporter): Promise<Prepared> {
  const files = await readVae(config.vae, reporter);
  const data = await openData(config.data, reporter);
  const shapes = resolveShapes(config, files.config, data);
  const grid = config.train.sampleEvery === 0 ? [] : gridClasses(config.sample, data);
  const { shape, network, source, request } = shapes;
  const vae = engine.model(vaeParams(files));
  const teacher = await teacherOf(config, source);
  const context = { files, vae, request, reporter, cacheDir: defaultCacheDir() };
  const splits = await data.splits(teacher === undefined ? context : { ...context, teacher });
  const groups = teacher?.shapes ?? shapes.groups;
  const alignment = await loadAlignment(config.alignment, alignmentSpec(config, network, groups));
  return {
    shape,
    classes: data.classes,
    counts: data.counts,
    grid,
    model: network,
    deps: trainDeps(config, network, alignment),
    groups,
    train: splits.train,
    heldOut: splits.heldOut,
    decode: decoder(vae, files.config),
    vae: files.config,
    dispose: () => {
      splits.dispose();
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
