/** Runs before every test file: the plain CPU backend with gradients, and no live tensor left by any test. */
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';

await tf.setBackend('cpu');

let before = 0;

beforeAll(() => {
  for (const method of ['log', 'info', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
      throw new Error(`a test or a package wrote to the console: ${args.join(' ')}`);
    });
  }
});

beforeEach(() => {
  before = tf.memory().numTensors;
  tf.engine().startScope();
});

afterEach(() => {
  tf.engine().endScope();
  expect(tf.memory().numTensors, 'tensors left alive outside the engine scope').toBe(before);
});
