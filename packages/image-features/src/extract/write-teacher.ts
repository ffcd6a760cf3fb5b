/** Tokens of a frozen network beside a cache: one row for each record. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { CacheIndex } from '@ahpa/latent-cache';
import { type Reporter, type Stretch, silent, unwatched } from '@ahpa/messages';
import { createNpz, fromFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { assertFiniteFeatures } from '../finite-features.ts';
import { imageBatch, padBatch } from '../image-batch.ts';
import { type ImageDataset, readImages } from '../image-dataset.ts';

const BATCH = 32;

/** A frozen network of which tokens are written. */
export interface TeacherNetwork {
  /** Part of the file's name: `teacher-NAME.npz`. */
  readonly name: string;
  /** Shape of an image's tokens: their number and width. */
  readonly shape: readonly [tokens: number, width: number];
  /** Tokens `[B, T, width]` of images `[B, H, W, 3]` in [-1, 1], owned by the caller. */
  tokens(x: tf.Tensor4D): tf.Tensor3D;
}

/** What ends and announces the writing. */
export interface TeacherHooks {
  /** Ends it, with its reason, before the next batch; nothing is kept. */
  readonly signal?: AbortSignal;
  /** Announces each batch. */
  readonly stretch?: Stretch;
}

/** Writes tokens `[records, T, width]`, float16, beside a cache of `images`; resolves to the file's path. */
export async function writeTeacher(
  cache: string,
  { items, count, dropped }: Pick<CacheIndex, 'items' | 'count' | 'dropped'>,
  images: ImageDataset,
  { name, shape, tokens }: TeacherNetwork,
  reporter: Reporter = silent,
  { signal, stretch = unwatched }: TeacherHooks = {},
): Promise<string> {
  const path = join(cache, `teacher-${name}.npz`);
  const left = new Set(dropped.map(({ row }) => row));
  const rows = Array.from({ length: items }, (_, row) => row).filter((row) => !left.has(row));
  const file = await createNpz(path, { tokens: { dtype: 'F16', shape: [count, ...shape] } });
  const bar = reporter.progress('teacher', count);
  try {
    for (let start = 0; start < count; start += BATCH) {
      await setImmediate();
      signal?.throwIfAborted();
      const part = rows.slice(start, start + BATCH);
      const squares = await readImages(images, Uint32Array.from(part));
      const values = await stretch("A batch of the teacher's tokens", () =>
        tf.tidy(() => {
          const all = tokens(imageBatch(padBatch(squares, BATCH), images.size));
          return all.dataSync().subarray(0, (all.size / BATCH) * part.length) as Float32Array;
        }),
      );
      const entry = fromFloat32(values, [values.length], 'F16');
      const named = part.map((row) => images.names[row] as string);
      assertFiniteFeatures({ [`tokens of ${name}`]: entry }, named, images.path);
      await file.write('tokens', start, entry.data);
      bar.update(start + part.length, undefined);
    }
    await file.finish();
    return path;
  } catch (error) {
    await file.close();
    await rm(`${path}.partial`, { force: true });
    throw error;
  } finally {
    bar.stop();
  }
}
