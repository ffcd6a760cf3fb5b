import { describe, expect, test } from 'vitest';
import { batchIndices, epochOrder } from '../src/index.ts';

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
  test('one epoch visits distinct items, the remainder is dropped', () => {
    const steps = [0, 1, 2].map((step) => [...batchIndices(5, step, 3, 10)]);
    expect(new Set(steps.flat()).size).toBe(9);
    expect(steps.flat()).toEqual([...epochOrder(5, 0, 10).slice(0, 9)]);
    expect([...batchIndices(5, 3, 3, 10)]).toEqual([...epochOrder(5, 1, 10).slice(0, 3)]);
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
