/** Examples by row, wherever they lie: what a run trains on, and what it is measured with. */
import type { Batch, Tree } from '@ahpa/trainer';
import type { ImageSet } from '../data/emoji.ts';
import { type BatchSource, batchOf } from './batch.ts';

/** Labelled latents with the targets of the alignment. */
export interface Examples {
  readonly count: number;
  /** Class index of every example. */
  readonly labels: Int32Array;
  /** The batch of the examples `rows`, owned by the caller. */
  batch(rows: Uint32Array): Batch<Tree> | Promise<Batch<Tree>>;
  /** The images of the examples `rows`, `[n, size, size, 3]` uint8; rejects where they were not kept. */
  pixels(rows: Uint32Array): Promise<Uint8Array>;
}

/** Examples whose features lie in memory: the images `rows` of a set. */
export function memoryExamples(source: BatchSource, set: ImageSet, rows: Int32Array): Examples {
  const stride = set.size * set.size * 3;
  return {
    count: rows.length,
    labels: source.labels,
    batch: (chosen) => batchOf(source, chosen),
    pixels: async (chosen) => {
      const pixels = new Uint8Array(chosen.length * stride);
      chosen.forEach((row, i) => {
        const offset = (rows[row] as number) * stride;
        pixels.set(set.images.subarray(offset, offset + stride), i * stride);
      });
      return pixels;
    },
  };
}
