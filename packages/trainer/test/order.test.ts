import { describe, expect, test } from 'vitest';
import { batchIndices, epochOrder, indicesFrom } from '../src/index.ts';

const sorted = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

describe('epochOrder', () => {
  test('is a permutation that depends on seed and epoch only', () => {
    const order = epochOrder(1, 0, 100);
    expect(sorted(order)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(epochOrder(1, 0, 100)).toEqual(order);
    expect(epochOrder(1, 1, 100)).not.toEqual(order);
    expect(epochOrder(2, 0, 100)).not.toEqual(order);
    expect([...epochOrder(1, 0, 1)]).toEqual([0]);
  });

  test('every item lands on every place about equally often', () => {
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let epoch = 0; epoch < 4000; epoch++) {
      epochOrder(9, epoch, 4).forEach((item, place) => {
        (counts[place] as number[])[item] = ((counts[place] as number[])[item] as number) + 1;
      });
    }
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('batchIndices', () => {
  test('batches are cut from the orders of the epochs, also across their borders', () => {
    const steps = [0, 1, 2, 3].flatMap((step) => [...batchIndices(5, step, 3, 10)]);
    expect(steps).toEqual([...epochOrder(5, 0, 10), ...epochOrder(5, 1, 10).slice(0, 2)]);
  });

  test('each item is seen exactly once in each of five epochs, however often a run is killed and resumed', () => {
    const [seed, size, n, every] = [3, 8, 100, 4];
    const kills = [5, 6, 11, 13, 14, 27, 30, 41, 55, 60]; // three in the first epoch; steps of an epoch: 12.5
    const seen = new Map<number, readonly number[]>();
    let step = 0;
    for (const kill of [...kills, Math.ceil((5 * n) / size)]) {
      for (; step < kill; step++) seen.set(step, [...batchIndices(seed, step, size, n)]);
      step -= step % every; // back to the newest checkpoint
    }
    const ids = [...seen].sort(([a], [b]) => a - b).flatMap(([, batch]) => batch);
    for (let epoch = 0; epoch < 5; epoch++) {
      const own = ids.slice(epoch * n, (epoch + 1) * n);
      expect(sorted(own)).toEqual(Array.from({ length: n }, (_, i) => i));
      expect(own).toEqual([...epochOrder(seed, epoch, n)]);
    }
  });

  test('does not depend on what was asked before', () => {
    const direct = batchIndices(5, 7, 3, 10);
    batchIndices(6, 0, 2, 10);
    expect(batchIndices(5, 7, 3, 10)).toEqual(direct);
  });

  test('refuses a batch larger than the data', () => {
    expect(() => batchIndices(1, 0, 11, 10)).toThrow(/batch of 11 for 10 items/);
  });
});

describe('indicesFrom', () => {
  test('cuts the same order at any places', () => {
    const whole = Array.from({ length: 3 }, (_, epoch) => [...epochOrder(5, epoch, 10)]).flat();
    const lengths = [4, 1, 9, 12, 3];
    let start = 0;
    for (const length of lengths) {
      expect([...indicesFrom(5, start, length, 10)]).toEqual(whole.slice(start, start + length));
      start += length;
    }
    expect(start).toBe(29);
  });
});
