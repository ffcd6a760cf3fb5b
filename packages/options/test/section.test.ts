import { expect, test } from 'vitest';
import { count, fraction, positive, section } from '../src/index.ts';

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
