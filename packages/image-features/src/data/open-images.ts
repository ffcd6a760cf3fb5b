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
  withClasses,
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
  /** Folder, .zip, .tar or .parquet. */
  readonly path: string;
  /** Like `within`, for images that are never trained on; null, the default, for none. */
  readonly heldOut?: string | null;
  /** Share of the images that is never trained on, chosen by name; default 0. */
  readonly holdOut?: number;
}

/** Images encoded together while statistics are fitted. */
export const FIT_BATCH = 16;

async function splitImages(
  options: ImagesDataOptions,
  all: ImageDataset,
  context: FeatureContext,
): Promise<Splits> {
  const { path, heldOut = null, holdOut = 0 } = options;
  const train = selectImages(all, await goodRows(all, context));
  const norms = await fitNorms(context, train, { batch: FIT_BATCH }, context.reporter);
  const encoder = featureEncoder(context, norms);
  const split = splitDataset(encodedDataset(train, encoder), train.names, holdOut);
  const opened: ImageDataset[] = [];
  const other = once(async () => {
    const images = await openImageDataset(path, { ...options, within: heldOut });
    opened.push(images);
    const labelled = withClasses(images, train.classes, train.path);
    return encodedDataset(selectImages(labelled, await goodRows(labelled, context)), encoder);
  });
  return {
    train: split.train,
    heldOut: heldOut === null ? split.heldOut : other,
    dispose: () => {
      encoder.dispose();
      for (const images of opened) void images.close();
    },
  };
}

/** Opens images as data, and says what was found. @throws an error the user can fix where there are none. */
export async function openImagesData(options: ImagesDataOptions, reporter?: Reporter): Promise<DataSource> {
  const train = await openImageDataset(options.path, options);
  for (const sentence of describeSource(train)) reporter?.say(sentence);
  return {
    size: options.size,
    classes: train.classes,
    counts: countLabels(train.labels, train.classes),
    splits: (context) => splitImages(options, train, context),
    close: train.close,
  };
}
