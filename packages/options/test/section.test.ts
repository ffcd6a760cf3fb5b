import { expect, test } from 'vitest';
import { count, fraction, LARGEST_SEED, positive, section, seedNumber } from '../src/index.ts';

const options = section({
  layers: count(3, 'Linear layers.'),
  decay: fraction(0.9, 'Decay a step.'),
  beta: positive(1, 'Softness.'),
});

test('absent keys get their defaults', () => {
  expect(options.parse({ beta: 2 })).toEqual({ layers: 3, decay: 0.9, beta: 2 });
});

test('an unknown key is refused with the nearest known one', () => {
  const { error } = options.safeParse({ layrs: 2 });
  expect(error?.issues[0]?.message).toBe('unknown key "layrs", the nearest is "layers"');
});

test.each([{ layers: 0 }, { layers: 1.5 }, { decay: 1 }, { beta: 0 }])('%j is out of bounds', (value) => {
  expect(options.safeParse(value).success).toBe(false);
});

test('three of many unknown keys are named', () => {
  const { error } = options.safeParse({ a: 1, b: 1, c: 1, d: 1, e: 1 });
  expect(error?.issues[0]?.message).toMatch(
    /^unknown key "a", .*"b", .*"c", the nearest is "\w+"; and 2 more unknown keys$/,
  );
});

test('a seed has 32 bits', () => {
  for (const value of [0, 7, LARGEST_SEED]) expect(seedNumber.parse(value)).toBe(value);
  for (const value of [-1, 0.5, 2 ** 32, Number.NaN, '3']) {
    expect(seedNumber.safeParse(value).error?.issues[0]?.message).toBe(
      'wanted a whole number from 0 to 4294967295',
    );
  }
});
