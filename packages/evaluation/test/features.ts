/** The features that scripts/golden/evaluation.py makes, too. */
import { testValues } from '@ahpa/test-utils';
import type { Draw, FeatureMatrix } from '../src/index.ts';

/** Uniform numbers, each column scaled by 1, 1/2, 1/4 or 1/8 and moved. */
export function testFeatures(rows: number, columns: number, seed: number, shift = 0): FeatureMatrix {
  const data = testValues(rows * columns, seed).map((value, i) => value * 0.5 ** ((i % columns) % 4) + shift);
  return { rows, columns, data };
}

/** Logits `[n, 1000]` of a classifier that is sure of one class per image, up to a few others. */
export function imageNetLogits(n: number): FeatureMatrix {
  const data = new Float32Array(n * 1000);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 1000; c++)
      data[1000 * i + c] =
        ((31 * i + 17 * c + i * c) % 64) / 16 + (c === (7919 * i) % 1000 ? 8 + (i % 5) : 0);
  return { rows: n, columns: 1000, data };
}

/** Call number c gives the rows c, c + 7, c + 14 ... modulo n. */
export function stepDraw(): Draw {
  let call = 0;
  return (n, size) => {
    const first = call++;
    return Int32Array.from({ length: size }, (_, i) => (first + 7 * i) % n);
  };
}
