/** Features of many images by a network, and their statistics. */

import { setImmediate } from 'node:timers/promises';
import { describeRemarks } from '@ahpa/image-data';
import { type Reporter, type Stretch, unwatched, userError } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureMatrix, LinearAlgebra } from '../algebra.ts';
import { checkFeatures } from '../features.ts';
import { addFeatures, emptyStatistics, type Gaussian, gaussianOf, type Statistics } from '../statistics.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import type { PixelBlock, PixelSource } from './pixels.ts';

/** Images per network evaluation. */
const BATCH = 50;

/** Images between two additions to the spatial statistics, whose features are not kept. */
const SPATIAL_BATCHES = 20;

/** Features of images `[n, d]`, logits `[n, classes]`, and statistics of whole and spatial features. */
export interface NetworkFeatures {
  readonly n: number;
  readonly pooled: FeatureMatrix;
  readonly logits: FeatureMatrix;
  readonly gaussian: Gaussian;
  readonly spatial: Gaussian;
}

interface Store {
  data: Float32Array;
  columns: number;
}

/** Copies the first `count` rows of a batch to row `at`. */
function keep(store: Store, batch: tf.Tensor2D, at: number, count: number, rows: number): void {
  const columns = batch.shape[1];
  if (store.columns === 0) Object.assign(store, { columns, data: new Float32Array(rows * columns) });
  store.data.set(batch.dataSync().subarray(0, count * columns), at * columns);
}

/** Pixels as a batch of `BATCH` images; the last one fills up what is missing, so that all batches have one form. */
function tensorOf({ data, shape: [n, height, width] }: PixelBlock): tf.Tensor4D {
  const stride = height * width * 3;
  const values = new Float32Array(BATCH * stride);
  values.set(data);
  for (let i = n; i < BATCH; i++) values.copyWithin(i * stride, (n - 1) * stride, n * stride);
  return tf.tensor4d(values, [BATCH, height, width, 3]);
}

const newStore = (): Store => ({ data: new Float32Array(0), columns: 0 });

const rowsOf = ({ data, columns }: Store, rows: number): FeatureMatrix => ({
  rows,
  columns,
  data: data.subarray(0, rows * columns),
});

function sayRemarks({ path, decoding }: PixelSource, { say }: Reporter): void {
  for (const sentence of describeRemarks(decoding?.().remarks ?? {})) say(`${path}: ${sentence}`);
}

/** Name of the images in messages, and the announcement of long work. */
export interface FeatureOptions {
  readonly what?: string;
  readonly stretch?: Stretch;
}

/**
 * Features of all images of a source; the next images are read while the network computes.
 * @throws where there are fewer than two images, or features are not finite.
 */
export async function networkFeatures(
  network: OpenFeatureNetwork,
  source: PixelSource,
  algebra: LinearAlgebra,
  reporter: Reporter,
  { what = 'samples', stretch = unwatched }: FeatureOptions = {},
): Promise<NetworkFeatures> {
  const { n } = source;
  if (n < 2) throw userError(`${source.path} holds ${n} images, wanted at least 2.`);
  const [pooled, logits, places] = [newStore(), newStore(), newStore()];
  let spatial: Statistics | undefined;
  const bar = reporter.progress(`features of ${what}`, n);
  const readAt = (start: number): Promise<PixelBlock> => source.read(start, Math.min(BATCH, n - start));
  let next = readAt(0);
  for (let start = 0, held = 0; start < n; start += BATCH) {
    const block = await next;
    const count = block.shape[0];
    if (start + BATCH < n) next = readAt(start + BATCH);
    next.catch(() => undefined); // awaited in the next iteration
    const at = held;
    await stretch('A batch of features', () =>
      tf.tidy(() => {
        const found = network.run(tensorOf(block));
        keep(pooled, found.pooled, start, count, n);
        keep(logits, found.logits, start, count, n);
        keep(places, found.spatial, at, count, SPATIAL_BATCHES * BATCH);
      }),
    );
    held += count;
    if (held === SPATIAL_BATCHES * BATCH || start + BATCH >= n) {
      const [before, rows] = [spatial ?? emptyStatistics(places.columns), rowsOf(places, held)];
      spatial = await stretch('Spatial statistics', () => addFeatures(before, rows, algebra));
      held = 0;
    }
    bar.update(start + count, undefined);
    await setImmediate(); // signals arrive between batches
  }
  bar.stop();
  sayRemarks(source, reporter);
  const all = rowsOf(pooled, n);
  checkFeatures(all, `Features of ${source.path}`);
  const whole = await stretch('Statistics', () => addFeatures(emptyStatistics(all.columns), all, algebra));
  return {
    n,
    pooled: all,
    logits: rowsOf(logits, n),
    gaussian: gaussianOf(whole),
    spatial: gaussianOf(spatial as Statistics),
  };
}
