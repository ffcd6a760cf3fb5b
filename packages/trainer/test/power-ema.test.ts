import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { emaRate, stdToExponent, WIDEST_SIGMA } from '../src/index.ts';

const widthOf = (gamma: number): number => Math.sqrt((gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3)));
const rate = (gamma: number, updates: number): number =>
  emaRate({ sigmaRel: widthOf(gamma) }, tf.scalar(updates, 'int32')).dataSync()[0] as number;

describe('stdToExponent', () => {
  test('inverts the width of a power function, with the two of the paper', () => {
    for (const sigma of [0.001, 0.01, 0.05, 0.1, 0.2, 0.28, WIDEST_SIGMA]) {
      expect(widthOf(stdToExponent(sigma))).toBeCloseTo(sigma, 12);
    }
    expect(stdToExponent(0.05)).toBeCloseTo(16.97, 2);
    expect(stdToExponent(0.1)).toBeCloseTo(6.94, 2);
  });

  test('refuses a width that no power function has', () => {
    for (const sigma of [0, -1, 0.3, Number.NaN])
      expect(() => stdToExponent(sigma)).toThrow('wanted one above 0');
  });
});

describe('emaRate', () => {
  test('of a power function forgets the start at once and keeps float32 precision after a million steps', () => {
    expect(rate(6.94, 0)).toBe(1);
    for (const t of [2, 10, 1000, 1_000_000]) {
      expect(rate(6.94, t - 1) / -Math.expm1(7.94 * Math.log1p(-1 / t))).toBeCloseTo(1, 6);
    }
  });

  test('gives the weights p(s) proportional to s^gamma up to the step size', () => {
    const [gamma, steps] = [6.94, 2000];
    const weights = Array.from({ length: steps }, () => 0);
    for (let t = 1; t <= steps; t++) {
      const beta = (1 - 1 / t) ** (gamma + 1);
      for (let s = 1; s < t; s++) weights[s - 1] = (weights[s - 1] as number) * beta;
      weights[t - 1] = 1 - beta;
    }
    const density = (s: number): number => ((gamma + 1) * s ** gamma) / steps ** (gamma + 1);
    for (const s of [500, 1000, 1500, 2000]) {
      expect((weights[s - 1] as number) / density(s - 0.5)).toBeCloseTo(1, 2);
    }
  });
});
