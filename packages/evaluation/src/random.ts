/** Seeded draws of rows: subsets and resamples. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Draws rows: `size` of `n`. */
export type Draw = (n: number, size: number) => Int32Array;

/** Draws without replacement; each call goes on in the same stream. */
export function subsets(seed: number): Draw {
  const rng = xoroshiro128plus(seed);
  return (n, size) => {
    const rows = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < size; i++) {
      const j = uniformInt(rng, i, n - 1);
      [rows[i], rows[j]] = [rows[j] as number, rows[i] as number];
    }
    return rows.slice(0, size);
  };
}

/** Draws with replacement; each call goes on in the same stream. */
export function resamples(seed: number): Draw {
  const rng = xoroshiro128plus(seed);
  return (n, size) => Int32Array.from({ length: size }, () => uniformInt(rng, 0, n - 1));
}
