/** Opens images as data, encoded in every step. */
import { describeSource } from '@ahpa/image-data';
import type { Reporter } from '@ahpa/messages';
import { encodedDataset } from '../dataset.ts';
import { featureEncoder } from '../feature-encoder.ts';
import {
  type ImageDataset,
  type ImageDatasetOptions,
  openImageDataset,
  selectImages,
} from '../image-dataset.ts';
import { fitNorms } from '../norms/fit-norms.ts';
import { goodRows } from './check-images.ts';
import {
  countLabels,
  type DataSource,
  type FeatureContext,
  once,
  type Splits,
  splitDataset,
} from './source.ts';

/** Images to train on and to hold out. */
export interface ImagesDataOptions extends ImageDatasetOptions {
  /** Folder, .zip, .tar (also .gz, .zst), .parquet, or a pattern of shards. */
  readonly path: string;
  /** Like `within`, for images that are never trained on; null, the default, for none. */
  readonly heldOut?: string | null;
  /** Share of the images that is never trained on, chosen by name; default 0. */
  readonly holdOut?: number;
}

/** Images encoded together while statistics are fitted. */
export const FIT_BATCH = 16;

async function splitImages(
  { holdOut = 0 }: ImagesDataOptions,
  all: ImageDataset,
  heldOut: ImageDataset | undefined,
  context: FeatureContext,
): Promise<Splits> {
  const train = selectImages(all, await goodRows(all, context));
  const norms = await fitNorms(context, train, { batch: FIT_BATCH }, context.reporter);
  const encoder = featureEncoder(context, norms);
  const split = splitDataset(encodedDataset(train, encoder), train.names, holdOut);
  return {
    train: split.train,
    heldOut:
      heldOut === undefined
        ? split.heldOut
        : once(async () => encodedDataset(selectImages(heldOut, await goodRows(heldOut, context)), encoder)),
    dispose: () => encoder.dispose(),
  };
}

/** The held-out images with the classes of those to train on; undefined where none are asked for. */
async function openHeldOut(
  options: ImagesDataOptions,
  { path, classes }: ImageDataset,
): Promise<ImageDataset | undefined> {
  const { heldOut: within } = options;
  if (within == null) return undefined;
  return openImageDataset(options.path, { ...options, within, classes: { path, names: classes } });
}

/** Opens images as data, and says what was found. @throws an error the user can fix where there are none. */
export async function openImagesData(options: ImagesDataOptions, reporter?: Reporter): Promise<DataSource> {
  const train = await openImageDataset(options.path, options);
  for (const sentence of describeSource(train)) reporter?.say(sentence);
  const heldOut = await openHeldOut(options, train).catch(async (error: Error) => {
    await train.close();
    throw error;
  });
  for (const sentence of heldOut ? describeSource(heldOut) : []) reporter?.say(sentence);
  return {
    size: options.size,
    classes: train.classes,
    counts: countLabels(train.labels, train.classes),
    splits: (context) => splitImages(options, train, heldOut, context),
    close: async () => {
      await train.close();
      await heldOut?.close();
    },
  };
}
