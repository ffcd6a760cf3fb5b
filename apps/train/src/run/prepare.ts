/** Everything a run needs before its first step: images, VAE, features, model. */
import type { DiTConfig, DiTParams } from '@ahpa/dit-core';
import type { TrainDeps, Tree } from '@ahpa/trainer';
import type { DataConfig, TrainConfig } from '../config/types.ts';
import { type ImageSet, loadEmoji, split } from '../data/emoji.ts';
import type { EmojiSet } from '../data/emoji-set.ts';
import { userError } from '../errors.ts';
import type { BatchSource } from '../features/batch.ts';
import { loadFeatures } from '../features/load.ts';
import type { Progress, Reporter } from '../report.ts';
import { readVae, type VaeFiles, vaeParams, vaeStride } from '../vae/load.ts';
import { targetSource } from '../variants/targets.ts';
import { type DataShape, modelConfig, wire } from '../wiring.ts';
import { type Decoder, decoder } from './draw.ts';
import type { Engine } from './engine.ts';

/** The prepared parts of a run. */
export interface Prepared {
  readonly shape: DataShape;
  readonly classes: readonly string[];
  readonly model: DiTConfig;
  readonly deps: TrainDeps<DiTParams & Tree, Tree, Tree>;
  readonly batches: BatchSource;
  readonly decode: Decoder;
  dispose(): void;
}

/** Loads or makes all of it. */
export async function prepare(config: TrainConfig, engine: Engine, reporter: Reporter): Promise<Prepared> {
  const files = await readVae(config.vae);
  const images = await loadImages(config.data, reporter);
  const { train: rows } = split(images, config.data.holdOut);
  const shape = dataShape(config.data, files, images.classes.length);
  const model = modelConfig(config.model, shape);
  const source = targetSource(config.alignment, files.config);
  const vae = engine.model(vaeParams(files));
  const request = { groups: source.groups, grid: shape.latentSize / model.patchSize };
  const features = await loadFeatures(vae, files, images, rows, request, reporter);
  const latentWidth = shape.latentChannels * model.patchSize ** 2;
  return {
    shape,
    classes: images.classes,
    model,
    deps: wire(config, model, source.latent ? [{ name: 'latent', width: latentWidth }] : features.groups),
    batches: {
      features,
      labels: Int32Array.from(rows, (row) => images.labels[row] as number),
      latentPatch: source.latent ? model.patchSize : undefined,
    },
    decode: decoder(vae, files.config),
    dispose: vae.dispose,
  };
}

/** The sizes that data and VAE fix. Throws where the VAE cannot halve the image as often as it wants to. */
export function dataShape({ size }: DataConfig, { config }: VaeFiles, classes: number): DataShape {
  const stride = vaeStride(config);
  if (size % stride !== 0) {
    throw userError(`data.size is ${size}, wanted a multiple of ${stride}, the stride of the VAE.`);
  }
  return { latentSize: size / stride, latentChannels: config.latentChannels, classes };
}

/** Loads the images with one progress bar for each set that is drawn. */
export async function loadImages(
  { sets, size, perClass }: Pick<DataConfig, 'sets' | 'size' | 'perClass'>,
  reporter: Reporter,
): Promise<ImageSet> {
  const bars = new Map<EmojiSet, Progress<undefined>>();
  return loadEmoji({
    sets,
    size,
    perClass,
    say: reporter.warn,
    onProgress: (done, total, set) => {
      const bar = bars.get(set) ?? reporter.progress(`drawing ${set}`, total);
      bars.set(set, bar);
      bar.update(done, undefined);
      if (done === total) bar.stop();
    },
  });
}
