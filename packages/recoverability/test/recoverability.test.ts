import { readGolden, testValues } from '@ahpa/test-utils';
import { Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { computeGaps, type Measurement, type Moments, recoverability, type Split } from '../src/index.ts';

interface Golden {
  readonly ceiling: number;
  readonly targets: readonly { availability: number; r2: number[][]; gap: number[][] }[];
}

const LEVELS = [5, 4, 6].map((width, i) => ({ name: `level${i}`, width }));
const PARTS = { fit: [80, 1], dev: [40, 101], evaluation: [50, 201] } as const;

const values = (rows: number, columns: number, seed: number): Matrix =>
  Matrix.from1DArray(rows, columns, testValues(rows * columns, seed));
const withOne = (x: Matrix): Matrix => Matrix.ones(x.rows, x.columns + 1).setSubMatrix(x, 0, 1);
const product = (a: Matrix, b: Matrix): Matrix => withOne(a).transpose().mmul(withOne(b));
const moments = (x: Matrix, y: Matrix): Moments => ({ xx: product(x, x), xy: product(x, y) });

/** The data of scripts/golden/recoverability.py. */
function data([n, seed]: readonly [number, number]): { latent: Matrix; hidden: Matrix[][]; y: Matrix } {
  const latent = values(n, 3, seed);
  const hidden = [0, 1].map((block) => [0, 1].map((bin) => values(n, 6, seed + 10 + 2 * block + bin)));
  const strength = [
    [1, 0.3],
    [0.6, 0.1],
  ];
  const y = values(n, 15, seed + 1)
    .mul(0.5)
    .add(latent.mmul(values(3, 15, 900)));
  hidden.forEach((bins, block) => {
    bins.forEach((x, bin) => {
      y.add(x.mmul(values(6, 15, 901 + 2 * block + bin)).mul(strength[block]?.[bin] as number));
    });
  });
  return { latent, hidden, y };
}

function measurement(): Measurement {
  const parts = { fit: data(PARTS.fit), dev: data(PARTS.dev), evaluation: data(PARTS.evaluation) };
  const split = <T>(of: (part: ReturnType<typeof data>) => T): Split<T> => ({
    fit: of(parts.fit),
    dev: of(parts.dev),
    evaluation: of(parts.evaluation),
  });
  return {
    levels: LEVELS,
    yy: split(({ y }) => product(y, y)),
    latent: split(({ latent, y }) => moments(latent, y)),
    hidden: [0, 1].map((block) =>
      [0, 1].map((bin) => split(({ hidden, y }) => moments(hidden[block]?.[bin] as Matrix, y))),
    ),
  };
}

describe('recoverability', () => {
  it('is what NumPy finds in the raw data', () => {
    const golden = readGolden<Golden>(import.meta.url, 'map.json');
    const map = recoverability(measurement(), { rank: 4, tau: 0.02 });
    expect(map.ceiling).toBeCloseTo(golden.ceiling, 7);
    expect(map.targets.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'level0 level',
      'level1 level',
      'level2 level',
      'level1 increment',
      'level2 increment',
    ]);
    golden.targets.forEach((wanted, i) => {
      const got = map.targets[i];
      expect(got?.availability).toBeCloseTo(wanted.availability, 7);
      wanted.r2.flat().forEach((r2, k) => {
        expect(got?.r2.flat()[k]).toBeCloseTo(r2, 7);
      });
      wanted.gap.flat().forEach((gap, k) => {
        expect(got?.gap.flat()[k]).toBeCloseTo(gap, 7);
      });
    });
  });

  it('gives R² 1 to targets that are linear in the hidden tokens, and survives a constant channel', () => {
    const x = values(60, 4, 3);
    const y = Matrix.zeros(60, 3).setSubMatrix(x.mmul(values(4, 2, 4)), 0, 0);
    const same = <T>(part: T): Split<T> => ({ fit: part, dev: part, evaluation: part });
    const map = recoverability({
      levels: [{ name: 'linear', width: 3 }],
      yy: same(product(y, y)),
      latent: same(moments(values(60, 2, 5), y)),
      hidden: [[same(moments(x, y))]],
    });
    expect(map.targets[0]?.r2[0]?.[0]).toBeGreaterThan(1 - 1e-6);
    expect(map.targets[0]?.gap).toEqual([[expect.closeTo(0, 6)]]);
  });

  it('stays finite with fewer tokens than hidden channels and sums that were rounded', () => {
    const [x, y] = [values(5, 12, 7), values(5, 3, 8)];
    const rounded = ({ xx, xy }: Moments): Moments => ({
      xx: Matrix.add(xx, values(13, 13, 9).mul(1e-5)),
      xy,
    });
    const same = <T>(part: T): Split<T> => ({ fit: part, dev: part, evaluation: part });
    const map = recoverability({
      levels: [{ name: 'few', width: 3 }],
      yy: same(product(y, y)),
      latent: same(moments(values(5, 2, 5), y)),
      hidden: [[same(rounded(moments(x, y)))]],
    });
    expect(Number.isFinite(map.targets[0]?.r2[0]?.[0])).toBe(true);
  });

  it('refuses levels that do not make up y', () => {
    const wrong = { ...measurement(), levels: LEVELS.slice(1) };
    expect(() => recoverability(wrong)).toThrow('yy has 16 rows, wanted 11 = 1 + 4 + 6');
  });
});

describe('gaps', () => {
  const target = (name: string, availability: number, r2: number) =>
    ({ name, kind: 'level', availability, r2: [[r2, 0]] }) as const;

  it('lie under a shared ceiling and pick the widest readable level', () => {
    const map = computeGaps(
      [target('known', 0.5, 0.4), target('lacking', 0.2, 0.1), target('noise', 0.01, 0.005)],
      0.02,
    );
    expect(map.ceiling).toBe(0.5);
    expect(map.targets.map(({ gap }) => gap[0]?.[0])).toEqual([
      expect.closeTo(0.2, 12),
      expect.closeTo(0.8, 12),
      expect.closeTo(0.99, 12),
    ]);
    expect(map.targets.map(({ readable }) => readable)).toEqual([true, true, false]);
    expect(map.pick).toBe('lacking');
  });

  it('pick nothing where nothing is readable', () => {
    expect(computeGaps([target('noise', 0.01, -3)], 0.02)).toMatchObject({ pick: undefined, ceiling: 0.02 });
  });
});
