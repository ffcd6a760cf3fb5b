/** Everything a run needs before its first step: images, VAE, features, model. */
import type { DiTConfig, DiTParams } from '@ahpa/dit-core';
import type { TrainDeps, Tree } from '@ahpa/trainer';
import type { DataConfig, TrainConfig } from '../config/types.ts';
import { type ImageSet, loadEmoji, split } from '../data/emoji.ts';
import type { EmojiSet } from '../data/emoji-set.ts';
import { userError } from '../errors.ts';
import { type Examples, memoryExamples } from '../features/examples.ts';
import { loadFeatures } from '../features/load.ts';
import type { Progress, Reporter } from '../report.ts';
import { readVae, type VaeFiles, vaeParams, vaeStride } from '../vae/load.ts';
import type { FeatureGroup } from '../variants/ahpa.ts';
import { loadAlignment } from '../variants/index.ts';
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
  /** The targets of every batch, in order; empty without alignment. */
  readonly groups: readonly FeatureGroup[];
  readonly train: Examples;
  /** Examples that are never trained on; encoded when first asked for. */
  heldOut(): Promise<Examples>;
  readonly decode: Decoder;
  dispose(): void;
}

/** Loads or makes all of it. */
export async function prepare(config: TrainConfig, engine: Engine, reporter: Reporter): Promise<Prepared> {
  const files = await readVae(config.vae);
  const images = await loadImages(config.data, reporter);
  const sides = split(images, config.data.holdOut);
  const shape = dataShape(config.data, files, images.classes.length);
  const model = modelConfig(config.model, shape);
  const source = targetSource(config.alignment, files.config);
  const vae = engine.model(vaeParams(files));
  const request = { groups: source.groups, grid: shape.latentSize / model.patchSize };
  const latentPatch = source.latent ? model.patchSize : undefined;
  const examplesOf = async (
    rows: Int32Array<ArrayBuffer>,
  ): Promise<Examples & { groups: FeatureGroup[] }> => {
    const features = await loadFeatures(vae, files, images, rows, request, reporter);
    const labels = Int32Array.from(rows, (row) => images.labels[row] as number);
    const groups = features.groups.map(({ name, width }) => ({ name, width }));
    return { ...memoryExamples({ features, labels, latentPatch }, images, rows), groups };
  };
  const train = await examplesOf(sides.train);
  const latentGroup = { name: 'latent', width: shape.latentChannels * model.patchSize ** 2 };
  const groups = source.latent ? [latentGroup] : train.groups;
  let heldOut: Promise<Examples> | undefined;
  return {
    shape,
    classes: images.classes,
    model,
    deps: wire(
      config,
      model,
      await loadAlignment(config.alignment, { hiddenSize: model.hiddenSize, groups }),
    ),
    groups,
    train,
    heldOut: () => {
      heldOut ??= examplesOf(sides.heldOut);
      return heldOut;
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
