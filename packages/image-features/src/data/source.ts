/** Data of a run: sizes and classes before there is a VAE, and data sets of features with one. */
import { splitByName } from '@ahpa/image-data';
import { describeClasses, userError } from '@ahpa/messages';
import { type Dataset, selectRows } from '../dataset.ts';
import type { VaeFeatures } from '../feature-request.ts';
import type { Teacher } from '../teacher.ts';
import type { CheckContext } from './check-images.ts';

/** The encoder that makes features of images, the memory of checks, and the reporter. */
export interface FeatureContext extends VaeFeatures, CheckContext {
  /** Features of a frozen encoder as targets in place of the VAE's; caches only. */
  readonly teacher?: Teacher;
}

/** A data set to train on and one that is never trained on; the latter is made on first use. */
export interface Splits {
  readonly train: Dataset;
  heldOut(): Promise<Dataset>;
  dispose(): void;
}

/** Opened data; nothing is decoded or encoded before `splits` is called. */
export interface DataSource {
  /** Side of the images in pixels. */
  readonly size: number;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  /** Images of every class, by index. */
  readonly counts: readonly number[];
  splits(context: FeatureContext): Promise<Splits>;
  close(): Promise<void>;
}

/** The images of every class, counted from their labels. */
export function countLabels(labels: Int32Array, classes: readonly string[]): number[] {
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** Number of images and classes of data, as a sentence. */
export function describeData(
  path: string,
  { classes, counts }: Pick<DataSource, 'classes' | 'counts'>,
): string {
  const images = counts.reduce((sum, count) => sum + count, 0);
  return `${path}: ${images} image${images === 1 ? '' : 's'} in ${describeClasses(classes, counts)}.`;
}

/** Holds out a share of a data set, chosen by name: a name is on the same side in every data set. */
export function splitDataset(
  all: Dataset,
  names: readonly string[],
  holdOut: number,
): Omit<Splits, 'dispose'> {
  const rows = splitByName(names, holdOut);
  return {
    train: holdOut === 0 ? all : selectRows(all, rows.train),
    heldOut: once(async () => {
      if (holdOut > 0) return selectRows(all, rows.heldOut);
      throw userError(
        'No images are held out: set data.holdOut to a share, or data.heldOut where the data have such a part.',
      );
    }),
  };
}

/** A function whose promise is made on the first call and kept. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
