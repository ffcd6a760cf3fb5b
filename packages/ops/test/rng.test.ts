import { expectClose, expectLive, type GoldenTensor, readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { philox } from '../src/index.ts';
import { philoxBlock, philoxWords, streamKey } from '../src/philox.ts';

interface Draws {
  readonly seed: number;
  readonly stream: string;
  readonly step: number;
  readonly words: readonly number[];
  readonly uniform: GoldenTensor;
  readonly normal: GoldenTensor;
}

const golden = readGolden<Draws>(import.meta.url, 'philox.json');
const step = (value: number): tf.Scalar => tf.scalar(value, 'int32');

describe('philoxBlock', () => {
  test.each([
    { counter: [0, 0, 0, 0], key: [0, 0], want: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      want: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      want: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])('gives the published answer $want.0', ({ counter, key, want }) => {
    const out = new Uint32Array(4);
    philoxBlock(counter as never, { low: key[0] as number, high: key[1] as number }, out, 0);
    expect([...out]).toEqual(want);
  });

  test('the stream hash is FNV-1a', () => {
    expect(streamKey(1, '').high).toBe(0x811c9dc5);
    expect(streamKey(1, 'a').high).toBe(0xe40c292c);
    expect(streamKey(2 ** 32 - 1, 'foobar')).toEqual({ low: 0xffffffff, high: 0xbf9cf968 });
  });
});

describe('philox', () => {
  test('draws what NumPy draws from the same words', () => {
    const rng = philox(golden.seed);
    const words = philoxWords(streamKey(golden.seed, golden.stream), golden.step, golden.words.length);
    expect([...words]).toEqual(golden.words);
    const n = golden.words.length;
    expectClose(rng.uniform([n], golden.stream, step(golden.step)), golden.uniform, { atol: 0, rtol: 1e-8 });
    expectClose(rng.normal([n], golden.stream, step(golden.step)), golden.normal, { atol: 1e-7, rtol: 3e-7 });
  });

  test('a value depends on seed, stream, step and index only', () => {
    const long = philox(5).normal([101], 'noise', step(2)).dataSync();
    const short = philox(5).normal([3, 5], 'noise', step(2)).dataSync();
    expect([...short]).toEqual([...long.slice(0, 15)]);
    for (const other of [
      philox(6).normal([15], 'noise', step(2)),
      philox(5).normal([15], 'time', step(2)),
      philox(5).normal([15], 'noise', step(3)),
      philox(5).normal([15], 'noise'),
    ]) {
      const values = other.dataSync();
      expect(long.slice(0, 15).some((x) => values.includes(x))).toBe(false);
    }
  });

  test('moments and range', () => {
    const { mean, variance } = tf.moments(philox(1).normal([200_000], 'noise'));
    expect(Math.abs(mean.dataSync()[0] as number)).toBeLessThan(0.01);
    expect(Math.abs((variance.dataSync()[0] as number) - 1)).toBeLessThan(0.015);
    const uniform = philox(1).uniform([200_000], 'time');
    expect(Math.abs((tf.mean(uniform).dataSync()[0] as number) - 0.5)).toBeLessThan(0.003);
    expect(tf.min(uniform).dataSync()[0] as number).toBeGreaterThanOrEqual(0);
    expect(tf.max(uniform).dataSync()[0] as number).toBeLessThan(1);
  });

  test('returns one tensor of the shape, scalars included', () => {
    const scalar = expectLive(() => philox(1).normal([], 'x'), 1);
    expect(scalar.shape).toEqual([]);
    expect(philox(1).uniform([2, 0, 3], 'x').shape).toEqual([2, 0, 3]);
  });
});

test.each([-1, 0.5, 2 ** 32, Number.NaN])('the seed %d is refused', (seed) => {
  expect(() => philox(seed).normal([2], 'noise')).toThrow('wanted a whole number from 0 to 4294967295');
});
