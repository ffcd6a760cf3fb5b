/** Features of a frozen network beside a cache: one row of tokens for each record, for `alignment.teacher.kind: file`. */

import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Engine } from '@ahpa/engine';
import { squeezeNetTokens } from '@ahpa/evaluation';
import { squeezeNetParams } from '@ahpa/evaluation/node';
import type { CacheIndex } from '@ahpa/latent-cache';
import type { Reporter } from '@ahpa/messages';
import { createNpz, fromFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { padded } from './fit.ts';
import { type Pictures, pictureTensor } from './pictures.ts';

/** Networks whose features can be extracted. */
export const TEACHERS = ['squeezenet'] as const;

const BATCH = 32;
const WIDTH = 512;

/** File of a teacher's features beside a cache. */
const teacherPath = (cache: string, teacher: (typeof TEACHERS)[number]): string =>
  join(cache, `teacher-${teacher}.npz`);

/** Writes SqueezeNet's tokens `[records, grid * grid, 512]`, float16, and resolves to the file's path; begun files are begun again. */
export async function extractTeacher(
  cache: string,
  { items, count, dropped }: Pick<CacheIndex, 'items' | 'count' | 'dropped'>,
  pictures: Pictures,
  grid: number,
  engine: Engine,
  reporter: Reporter,
): Promise<string> {
  const path = teacherPath(cache, 'squeezenet');
  const network = engine.model((await squeezeNetParams(defaultCacheDir(), reporter)).params);
  const run = network.map((params, x: tf.Tensor4D) => ({
    tokens: squeezeNetTokens(params, tf.mul(tf.add(x, 1), 127.5), grid),
  }));
  const left = new Set(dropped.map(({ row }) => row));
  const rows = Array.from({ length: items }, (_, row) => row).filter((row) => !left.has(row));
  const file = await createNpz(path, { tokens: { dtype: 'F16', shape: [count, grid * grid, WIDTH] } });
  const bar = reporter.progress('teacher', count);
  try {
    for (let start = 0; start < count; start += BATCH) {
      await setImmediate();
      const part = await Promise.all(rows.slice(start, start + BATCH).map((row) => pictures.picture(row)));
      const images = part.map(({ pixels }) => pixels);
      const values = tf.tidy(() => {
        const { tokens } = run(pictureTensor(padded(images, BATCH), pictures.size));
        return tokens.dataSync().subarray(0, (tokens.size / BATCH) * part.length) as Float32Array;
      });
      await file.write('tokens', start, fromFloat32(values, [values.length], 'F16').data);
      bar.update(start + part.length, undefined);
    }
    await file.finish();
    return path;
  } catch (error) {
    await file.close();
    throw error;
  } finally {
    bar.stop();
    network.dispose();
  }
}
