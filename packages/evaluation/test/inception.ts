/** Inception with weights that PyTorch can make again, and what the network of FID gives there. */
import { readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type ImageFeatures, loadInception, type NetworkParams } from '../src/index.ts';

/** Uniform in [-1, 1), as hash_values of scripts/golden/evaluation-networks.py. */
function hashValues(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = Math.imul(i + 1, 2654435761) + seed;
    x = Math.imul(x ^ (x >>> 15), 2246822519);
    x = Math.imul(x ^ (x >>> 13), 3266489917);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Every tensor of the network in PyTorch's layout: the shapes from the convolutions' names and widths. */
function hashedState(
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, { shape: number[]; data: Float32Array }> {
  const names = Object.keys(shapes).sort();
  return Object.fromEntries(
    names.flatMap((name, seed) => {
      if (name.endsWith('num_batches_tracked')) return [];
      const shape = [...(shapes[name] as number[])];
      const count = shape.reduce((a, b) => a * b, 1);
      const kernel = name.endsWith('conv.weight') || name === 'fc.weight';
      const gain = Math.fround(Math.sqrt(6 / (count / (shape[0] as number))));
      const data = hashValues(count, seed).map((value) => {
        if (kernel) return value * gain;
        if (name.endsWith('running_mean')) return value * 0.125;
        return value * 0.25 + (name.endsWith('bias') ? 0 : 1);
      });
      return [[name, { shape, data }]];
    }),
  );
}

/** Fails where values, every so many of them, differ from the wanted ones by more than a share of the largest. */
function expectNear(actual: tf.Tensor, every: number, wanted: readonly number[], relative: number): void {
  const values = actual.dataSync();
  const largest = Math.max(...wanted.map(Math.abs));
  expect(wanted.length).toBe(Math.ceil(values.length / every));
  const worst = Math.max(...wanted.map((value, i) => Math.abs(value - (values[i * every] as number))));
  expect(worst / largest).toBeLessThan(relative);
}

interface Golden {
  readonly shapes: Record<string, number[]>;
  readonly pooled: number[];
  readonly spatial: number[];
  readonly logits: number[];
}

const golden = readGolden<Golden>(import.meta.url, 'inception.json');

/** The weights of the golden file. */
export const inceptionParams = (): NetworkParams => loadInception(hashedState(golden.shapes));

/** Its images, [2, 64, 48, 3]. */
export const inceptionImages = (): tf.Tensor4D =>
  tf.tensor4d(
    hashValues(2 * 64 * 48 * 3, 99).map((value) => Math.floor((value + 1) * 128)),
    [2, 64, 48, 3],
  );

/** Fails where the outputs are not PyTorch's. */
export function expectInception({ pooled, spatial, logits }: ImageFeatures): void {
  expectNear(pooled, 7, golden.pooled, 1e-4);
  expectNear(spatial, 7, golden.spatial, 1e-4);
  expectNear(logits, 7, golden.logits, 1e-4);
}
