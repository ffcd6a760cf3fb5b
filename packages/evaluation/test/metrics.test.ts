import { readGolden } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import { sizesFor } from '../src/fd-infinity.ts';
import {
  addFeatures,
  portableAlgebra as algebra,
  bootstrapDistance,
  emptyStatistics,
  extrapolatedDistance,
  type FeatureMatrix,
  frechetDistance,
  type Gaussian,
  gaussianOf,
  inceptionScore,
  kernelDistance,
  mergeStatistics,
  neighbourDistances,
  pairedTest,
  precisionRecall,
  type Reference,
  referenceOf,
  sliceRows,
  subsets,
} from '../src/index.ts';
import { imageNetLogits, stepDraw, testFeatures } from './features.ts';

interface Spread {
  readonly value: number;
  readonly deviation: number;
}
interface GoldenInterval {
  readonly value: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
}
interface Golden {
  readonly frechet: Record<'full' | 'samplesDeficient' | 'bothDeficient', number>;
  readonly inceptionScore: Spread;
  readonly inceptionScoreOfAdm: readonly (Spread & { readonly n: number; readonly splits: number })[];
  readonly precisionRecall: { readonly precision: number; readonly recall: number; readonly radii: number[] };
  readonly kid: Spread;
  readonly fdInfinity: { readonly value: number; readonly sizes: number[]; readonly distances: number[] };
  readonly bootstrap: {
    readonly single: GoldenInterval;
    readonly paired: GoldenInterval & { pValue: number };
  };
}

const golden = readGolden<Golden>(import.meta.url, 'figures.json');
const gaussian = (features: FeatureMatrix): Gaussian =>
  gaussianOf(addFeatures(emptyStatistics(features.columns), features, algebra));
const factored = (features: FeatureMatrix): Reference => referenceOf(gaussian(features), algebra);
const distance = (a: FeatureMatrix, b: FeatureMatrix): number =>
  frechetDistance(factored(a), gaussian(b), algebra);

function expectRelative(got: number, wanted: number, tolerance: number): void {
  expect(Math.abs(got - wanted) / Math.abs(wanted)).toBeLessThan(tolerance);
}

describe('the Frechet distance', () => {
  it('equals the one by sqrtm to 1e-6, also where covariances are rank-deficient', () => {
    const full = distance(testFeatures(200, 16, 1), testFeatures(150, 16, 2, 0.125));
    expectRelative(full, golden.frechet.full, 1e-9);
    const few = distance(testFeatures(80, 24, 3), testFeatures(12, 24, 4, 0.125));
    expectRelative(few, golden.frechet.samplesDeficient, 1e-6);
    const both = distance(testFeatures(40, 128, 3), testFeatures(40, 128, 4, 0.125));
    expectRelative(both, golden.frechet.bothDeficient, 1e-6);
  });

  it('is zero of a set and itself, and symmetric', () => {
    const [a, b] = [testFeatures(60, 12, 1), testFeatures(50, 12, 2)];
    expect(Math.abs(distance(a, a))).toBeLessThan(1e-9);
    expectRelative(distance(a, b), distance(b, a), 1e-9);
  });

  it('says when statistics do not belong together or are not finite', () => {
    const [a, b] = [factored(testFeatures(30, 4, 1)), gaussian(testFeatures(30, 5, 1))];
    expect(() => frechetDistance(a, b, algebra)).toThrow('5 dimensions and the reference 4');
    const broken = { ...b, mean: b.mean.map(() => Number.NaN) };
    expect(() => referenceOf(broken, algebra)).toThrow('not finite');
    expect(() => gaussianOf(emptyStatistics(3))).toThrow('at least 2 images, got 0');
  });
});

describe('statistics', () => {
  it('of shards add up to those of the whole, in any order', () => {
    const all = testFeatures(5000, 6, 9, 100);
    const whole = gaussian(all);
    const shards = [0, 1700, 1701, 4000, 5000];
    const parts = shards.slice(1).map((end, i) => sliceRows(all, shards[i] as number, end));
    const merged = parts
      .map((part) => addFeatures(emptyStatistics(6), part, algebra))
      .reduceRight((sum, part) => mergeStatistics(sum, part), emptyStatistics(6));
    expect(merged.n).toBe(5000);
    const sharded = gaussianOf(merged);
    whole.covariance.data.forEach((value, i) => {
      expect(sharded.covariance.data[i]).toBeCloseTo(value, 12);
    });
  });

  it('refuse features that are not finite, naming the first', () => {
    const features = testFeatures(10, 4, 1);
    features.data[13] = Number.NaN;
    expect(() => addFeatures(emptyStatistics(4), features, algebra)).toThrow('feature 1 of image 3 is NaN');
  });
});

describe('the Inception Score', () => {
  const logits = testFeatures(100, 12, 5);
  logits.data.forEach((value, i) => {
    logits.data[i] = 4 * value;
  });

  it('equals its formula over ten splits', () => {
    const { value, deviation } = inceptionScore(logits, 10);
    expectRelative(value, golden.inceptionScore.value, 1e-9);
    expectRelative(deviation, golden.inceptionScore.deviation, 1e-9);
  });

  it('is the number of classes where every image is sure of another, and 1 where none says anything', () => {
    const sure = new Float32Array(16).map((_, i) => (i % 5 === 0 ? 500 : 0));
    expect(inceptionScore({ rows: 4, columns: 4, data: sure }).value).toBeCloseTo(4, 10);
    expect(inceptionScore({ rows: 4, columns: 4, data: new Float32Array(16) }, 2).value).toBeCloseTo(1, 12);
    const none = { rows: 0, columns: 4, data: new Float32Array(0) };
    expect(() => inceptionScore(none)).toThrow('at least 1 image, got 0');
  });

  it.each(golden.inceptionScoreOfAdm)(
    "equals the ADM evaluator's of $n ImageNet-like logits in $splits",
    (wanted) => {
      const { value, deviation, splits, splitSize } = inceptionScore(imageNetLogits(wanted.n));
      expectRelative(value, wanted.value, 1e-9);
      expect(deviation).toBeCloseTo(wanted.deviation, 7);
      expect([splits, splitSize]).toEqual([wanted.splits, 5000]);
    },
  );
});

describe('precision and recall', () => {
  it('equal the brute-force ones', async () => {
    const [real, made] = [testFeatures(90, 6, 6), testFeatures(70, 6, 7, 0.125)];
    const { radii, ...shares } = golden.precisionRecall;
    expect(await precisionRecall(real, made)).toEqual({ ...shares, k: 3 });
    (await neighbourDistances(real)).forEach((value, i) => {
      expectRelative(value, radii[i] as number, 1e-5);
    });
  });

  it('do not depend on where the origin is', async () => {
    const [real, made] = [testFeatures(60, 5, 1, 200), testFeatures(60, 5, 2, 200)];
    const near = await precisionRecall(testFeatures(60, 5, 1), testFeatures(60, 5, 2));
    expect(await precisionRecall(real, made)).toEqual(near);
  });

  it('are 1 for the same images and 0 for images far away', async () => {
    const real = testFeatures(40, 5, 1);
    expect(await precisionRecall(real, real)).toMatchObject({ precision: 1, recall: 1 });
    const far = await precisionRecall(real, testFeatures(40, 5, 2, 100));
    expect(far).toMatchObject({ precision: 0, recall: 0 });
    await expect(precisionRecall(real, testFeatures(3, 5, 2))).rejects.toThrow('more than 3 images');
  });
});

describe('KID and FD-infinity', () => {
  const [real, made] = [testFeatures(200, 16, 1), testFeatures(150, 16, 2, 0.125)];

  it('KID equals its formula over the same subsets', () => {
    const got = kernelDistance(real, made, algebra, { subsets: 5, size: 60, draw: stepDraw() });
    expectRelative(got.value, golden.kid.value, 1e-8);
    expectRelative(got.deviation, golden.kid.deviation, 1e-8);
  });

  it('FD-infinity equals its fit over the same subsets', () => {
    const got = extrapolatedDistance(factored(real), made, algebra, stepDraw());
    expect(got.sizes).toEqual(golden.fdInfinity.sizes);
    got.distances.forEach((value, i) => {
      expectRelative(value, golden.fdInfinity.distances[i] as number, 1e-8);
    });
    expectRelative(got.value, golden.fdInfinity.value, 1e-7);
    expect(sizesFor(50_000).slice(0, 2)).toEqual([5000, 8214]);
  });

  it('draws subsets without replacement, the same for the same seed', () => {
    const rows = subsets(3)(50, 50);
    expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(subsets(3)(50, 10)).toEqual(rows.slice(0, 10));
    expect(subsets(4)(50, 50)).not.toEqual(rows);
  });
});

describe('the bootstrap', () => {
  const reference = factored(testFeatures(200, 16, 1));
  const [a, b] = [testFeatures(150, 16, 2, 0.125), testFeatures(150, 16, 8)];
  const squares = () => {
    let call = 0;
    return (n: number, size: number): Int32Array => {
      const offset = 31 * call++;
      return Int32Array.from({ length: size }, (_, i) => (offset + i * i) % n);
    };
  };
  const expectInterval = (got: GoldenInterval, wanted: GoldenInterval): void => {
    for (const key of ['value', 'standardError', 'low', 'high'] as const)
      expectRelative(got[key], wanted[key], 1e-8);
  };

  it('gives the intervals of its formula over the same resamples', () => {
    const options = { repeats: 20, draw: squares() };
    expectInterval(bootstrapDistance(reference, a, algebra, options), golden.bootstrap.single);
    const paired = pairedTest(reference, a, b, algebra, { repeats: 20, draw: squares() });
    expectInterval(paired, golden.bootstrap.paired);
    expect(paired.pValue).toBeCloseTo(golden.bootstrap.paired.pValue, 12);
  });

  it('finds no difference between a run and itself, and a clear one between runs apart', () => {
    const same = pairedTest(reference, a, a, algebra, { repeats: 10 });
    expect(same).toMatchObject({ value: 0, standardError: 0, pValue: 1 });
    const far = pairedTest(reference, testFeatures(150, 16, 2, 1), b, algebra, { repeats: 39 });
    expect(far.pValue).toBe(1 / 40);
    expect(far.low).toBeGreaterThan(0);
    expect(() => pairedTest(reference, testFeatures(20, 16, 2), b, algebra)).toThrow('got 20 and 150');
  });
});
