/**
 * A frozen encoder's features beside a cache: a .npz whose rows are the records of the cache, in their order.
 * Arrays: `tokens` [n, T, D]; optionally attention logits `attention.0`, `attention.1`, ... [n, heads, T, T].
 */

import { userError } from '@ahpa/messages';
import type { FeatureGroup } from '@ahpa/ports';
import { firstNonFinite, type NpyArray, type NpzFile, openNpz, toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';

/** Features of a teacher by record. */
export interface Teacher {
  readonly path: string;
  readonly count: number;
  /** Targets of a batch: the tokens, then one `[B, T, heads T]` for each attention. */
  readonly shapes: readonly FeatureGroup[];
  batch(rows: ArrayLike<number>): Promise<tf.Tensor3D[]>;
  close(): Promise<void>;
}

/** Opens a teacher's file. @throws an error the user can fix where it is missing or its arrays are not of that form. */
export async function openTeacher(path: string): Promise<Teacher> {
  const file = await openNpz(path).catch((cause: Error) => {
    throw userError(`alignment.teacher.path: ${cause.message}`, { cause });
  });
  try {
    return await teacherIn(path, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function teacherIn(path: string, file: NpzFile): Promise<Teacher> {
  const maps = file.names.filter((name) => /^attention\.\d+$/.test(name)).sort();
  const names = ['tokens', ...maps];
  const missing = names.find((name) => !file.names.includes(name));
  if (missing !== undefined) {
    throw userError(`${path} has the arrays ${file.names.join(', ')}, wanted "tokens" [n, T, D].`);
  }
  const arrays = await Promise.all(names.map((name) => file.array(name)));
  const [tokens] = arrays as [NpyArray];
  const [count, grid] = tokens.shape as [number, number];
  const shapes = arrays.map(({ shape }, i): FeatureGroup => {
    const name = names[i] as string;
    const width = i === 0 ? shape[2] : (shape[1] as number) * grid;
    const wanted = i === 0 ? [count, grid, width] : [count, shape[1], grid, grid];
    if (shape.length === wanted.length && shape.every((length, axis) => length === wanted[axis]))
      return { name, tokens: grid, width: width as number };
    throw userError(
      `${path}: "${name}" is [${shape}], wanted ${i === 0 ? '[n, T, D]' : `[${count}, heads, ${grid}, ${grid}]`}.`,
    );
  });
  return {
    path,
    count,
    shapes,
    batch: (rows) =>
      Promise.all(arrays.map((array, i) => rowsOf(array, rows, `${path}: "${names[i]}"`, i > 0))),
    close: file.close,
  };
}

/** Rows of an array as `[B, T, width]`; attention [heads, T, T] becomes [T, heads T], row by row. */
async function rowsOf(
  array: NpyArray,
  rows: ArrayLike<number>,
  source: string,
  attention: boolean,
): Promise<tf.Tensor3D> {
  const read = await Promise.all(Array.from(rows, (row) => array.read(row, 1)));
  const bad = read.findIndex((entry) => firstNonFinite(entry) >= 0);
  if (bad >= 0)
    throw userError(`${source} of row ${rows[bad]} is not finite: make the teacher's features again.`);
  return tf.tidy(() => {
    const items = read.map((entry) => tf.tensor(toFloat32(entry), entry.shape.slice(1)));
    const all = tf.stack(items);
    if (!attention) return all as tf.Tensor3D;
    const [batch, heads, tokens] = all.shape as [number, number, number];
    return tf.reshape(tf.transpose(all, [0, 2, 1, 3]), [batch, tokens, heads * tokens]);
  });
}

/** The same items with the teacher's features as targets. @throws an error the user can fix where counts differ. */
export function withTeacher(dataset: Dataset, teacher: Teacher | undefined): Dataset {
  if (teacher === undefined) return dataset;
  if (teacher.count !== dataset.count) {
    throw userError(
      `${teacher.path} has ${teacher.count} rows, wanted ${dataset.count}, one for each record of the cache.`,
    );
  }
  return {
    ...dataset,
    batch: async (rows) => {
      const [batch, targets] = await Promise.all([dataset.batch(rows), teacher.batch(rows)]);
      return { ...batch, targets };
    },
  };
}
