/** The features that scripts/golden/evaluation.py makes, too. */
import { testValues } from '@ahpa/test-utils';
import type { Draw, FeatureMatrix } from '../src/index.ts';

/** Uniform numbers, each column scaled by 1, 1/2, 1/4 or 1/8 and moved. */
export function testFeatures(rows: number, columns: number, seed: number, shift = 0): FeatureMatrix {
  const data = testValues(rows * columns, seed).map((value, i) => value * 0.5 ** ((i % columns) % 4) + shift);
  return { rows, columns, data };
}

/** Call number c gives the rows c, c + 7, c + 14 ... modulo n. */
export function stepDraw(): Draw {
  let call = 0;
  return (n, size) => {
    const first = call++;
    return Int32Array.from({ length: size }, (_, i) => (first + 7 * i) % n);
  };
}
