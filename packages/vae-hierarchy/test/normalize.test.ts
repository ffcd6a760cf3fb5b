import { expectClose, expectLive, testTensor, testValues } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  addMoments,
  channelStatistics,
  emptyMoments,
  fitPca,
  innovation,
  normalizeTokens,
  type Pca,
  projectTokens,
  type SymmetricEigen,
  standardize,
} from '../src/index.ts';

describe('dataset statistics', () => {
  it('standardize tokens to mean 0 and deviation 1, whatever the batches', () => {
    const values = testValues(3 * 10 * 4, 5).map((value, i) => value * (1 + (i % 4)) + 100 * (i % 4));
    const halves = addMoments(addMoments(emptyMoments(4), values.subarray(0, 48)), values.subarray(48));
    expect(channelStatistics(halves)).toEqual(channelStatistics(addMoments(emptyMoments(4), values)));
    const tokens = tf.tensor3d(values, [3, 10, 4]);
    const { mean, variance } = tf.moments(
      expectLive(() => standardize(tokens, channelStatistics(halves)), 1),
      [0, 1],
    );
    expectClose(mean, tf.zeros([4]), { atol: 1e-4 });
    expectClose(variance, tf.ones([4]), { atol: 1e-4 });
  });

  it('leave their input alone, and survive a constant channel', () => {
    const none = emptyMoments(2);
    const some = addMoments(none, Float32Array.of(1, 0.1, 3, 0.1));
    expect([...none.sum, none.count]).toEqual([0, 0, 0]);
    const { mean, std } = channelStatistics(some);
    expect([...mean, ...std]).toEqual([2, 0.1, 1, 1e-6].map(Math.fround));
    expect(() => channelStatistics(none)).toThrow('no tokens were added');
    expect(() => addMoments(none, new Float32Array(3))).toThrow(
      '3 values are not whole tokens of 2 channels',
    );
  });
});

describe('normalizeTokens', () => {
  const tokens = (): tf.Tensor3D => tf.add(tf.mul(testTensor([2, 5, 3], 9), 2), 4) as tf.Tensor3D;

  it('leaves tokens alone, or standardizes them', () => {
    const values = tokens();
    expectClose(
      expectLive(() => normalizeTokens(values, { kind: 'none' }), 1),
      values,
    );
    const statistics = { mean: Float32Array.of(1, 2, 3), std: Float32Array.of(2, 4, 8) };
    expectClose(
      expectLive(() => normalizeTokens(values, { kind: 'dataset', statistics }), 1),
      standardize(values, statistics),
    );
  });

  it('takes gamma times the mean of each image off, over its own unbiased deviation', () => {
    const values = tokens();
    const normed = expectLive(() => normalizeTokens(values, { kind: 'spatial', gamma: 0.6 }), 1);
    const column = [...tf.slice(values, [1, 0, 2], [1, 5, 1]).dataSync()];
    const mean = column.reduce((a, b) => a + b, 0) / 5;
    const std = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4);
    expectClose(tf.slice(normed, [1, 0, 2], [1, 5, 1]), {
      shape: [1, 5, 1],
      data: column.map((value) => (value - 0.6 * mean) / (std + 1e-6)),
    });
    expect(() => normalizeTokens(tf.zeros([1, 1, 3]), { kind: 'spatial', gamma: 1 })).toThrow(
      'wanted at least 2 of them',
    );
  });
});

describe('innovation', () => {
  it('is what the prediction leaves, times the scale of each dimension', () => {
    const latent = testTensor([2, 5, 2], 1) as tf.Tensor3D;
    const prediction = {
      slopes: testTensor([2, 3], 2),
      offset: tf.tensor1d([1, 2, 3]),
      scale: tf.tensor1d([2, 0.5, 4]),
    };
    const predicted = tf.add(
      tf.matMul(tf.reshape(latent, [10, 2]), prediction.slopes as tf.Tensor2D),
      [1, 2, 3],
    );
    const white = tf.add(tf.reshape(predicted, [2, 5, 3]), [1, 0, -1]) as tf.Tensor3D;
    const left = expectLive(() => innovation(white, latent, prediction), 1);
    expectClose(left, tf.mul(tf.ones([2, 5, 3]), [2, 0, -4]), { atol: 1e-5 });
  });
});

/** Jacobi's rotations, for the tests' small matrices. */
const jacobi: SymmetricEigen = (matrix) => {
  const size = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  const rotate = (rows: number[][], p: number, q: number, cos: number, sin: number): void => {
    for (const row of rows) {
      const [x, y] = [row[p] as number, row[q] as number];
      row[p] = cos * x - sin * y;
      row[q] = sin * x + cos * y;
    }
  };
  const transposed = (rows: number[][]): number[][] =>
    rows.map((_, i) => rows.map((row) => row[i] as number));
  let current = a;
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const at = (i: number, j: number): number => current[i]?.[j] as number;
        const angle = 0.5 * Math.atan2(2 * at(p, q), at(q, q) - at(p, p));
        rotate(current, p, q, Math.cos(angle), Math.sin(angle));
        current = transposed(current);
        rotate(current, p, q, Math.cos(angle), Math.sin(angle));
        rotate(vectors, p, q, Math.cos(angle), Math.sin(angle));
      }
    }
  }
  return { values: current.map((row, i) => row[i] as number), vectors };
};

/** Samples `[N, D]` that vary along three orthogonal directions with deviations of about 3 : 2 : 1, plus a little noise. */
function samples(count: number, channels: number): tf.Tensor2D {
  const directions = tf.tensor2d(
    [0, 1, 2].flatMap((k) =>
      Array.from({ length: channels }, (_, i) => Math.cos(((i + 0.5) * (k + 1) * Math.PI) / channels)),
    ),
    [3, channels],
  );
  const loads = tf.mul(testTensor([count, 3], 3), tf.tensor1d([3, 2, 1]));
  const noise = tf.mul(testTensor([count, channels], 4), 0.05);
  return tf.add(tf.add(tf.matMul(loads as tf.Tensor2D, directions), noise), 5);
}

const gram = ({ basis, variance }: Pca, channels: number): tf.Tensor2D => {
  const matrix = tf.tensor2d(basis, [channels, variance.length]);
  return tf.matMul(matrix, matrix, true);
};

describe.each([
  ['more samples than channels', 60, 8],
  ['more channels than samples', 12, 40],
])('a PCA of %s', (_, count, channels) => {
  const fit = async (d: number): Promise<[Pca, tf.Tensor2D]> => {
    const data = samples(count, channels);
    const before = tf.memory().numTensors;
    const pca = await fitPca(data, d, jacobi);
    expect(tf.memory().numTensors).toBe(before);
    return [pca, data];
  };

  it('finds orthonormal directions in the order of their variance', async () => {
    const [pca] = await fit(3);
    expectClose(gram(pca, channels), tf.eye(3), { atol: 1e-4 });
    expect([...pca.variance]).toEqual([...pca.variance].sort((a, b) => b - a));
  });

  it('gives uncorrelated components of that variance, or of variance one', async () => {
    const [pca, data] = await fit(3);
    const tokens = tf.reshape(data, [1, count, channels]) as tf.Tensor3D;
    const components = tf.reshape(
      expectLive(() => projectTokens(tokens, pca, false), 1),
      [count, 3],
    ) as tf.Tensor2D;
    const covariance = tf.div(tf.matMul(components, components, true), count);
    expectClose(covariance, tf.diag(tf.tensor1d(pca.variance)), { atol: 2e-4 });
    const white = tf.reshape(normalizeTokens(tokens, { kind: 'whiten', pca }), [count, 3]) as tf.Tensor2D;
    expectClose(tf.div(tf.matMul(white, white, true), count), tf.eye(3), { atol: 1e-3 });
    expectClose(normalizeTokens(tokens, { kind: 'project', pca }), projectTokens(tokens, pca, false));
  });

  it('keeps all but the noise', async () => {
    const [pca, data] = await fit(3);
    const components = projectTokens(tf.reshape(data, [1, count, channels]), pca, false);
    const restored = tf.add(
      tf.matMul(
        tf.reshape(components, [count, 3]),
        tf.transpose(tf.tensor2d(pca.basis, [channels, 3])) as tf.Tensor2D,
      ),
      tf.tensor1d(pca.mean),
    );
    const error = tf.max(tf.abs(tf.sub(restored, data))).dataSync()[0] as number;
    expect(error).toBeLessThan(0.2);
    expect(error).toBeGreaterThan(0.01);
  });
});

describe('fitPca', () => {
  it('has the same signs for samples that are mirrored', async () => {
    const data = samples(30, 6);
    const [a, b] = [await fitPca(data, 2, jacobi), await fitPca(tf.sub(10, data), 2, jacobi)];
    expectClose(tf.tensor1d(a.basis), tf.tensor1d(b.basis), { atol: 1e-4 });
  });

  it('refuses more components than there are, and tokens it was not fitted to', async () => {
    const data = samples(20, 6);
    await expect(fitPca(data, 7, jacobi)).rejects.toThrow('wanted 7 components of 20 samples of 6 channels');
    await expect(fitPca(data, 0, jacobi)).rejects.toThrow('wanted 0 components');
    const flat = tf.mul(data, tf.tensor1d([1, 1, 0, 0, 0, 0])) as tf.Tensor2D;
    await expect(fitPca(flat, 3, jacobi)).rejects.toThrow('the samples vary in 2 directions, wanted 3');
    const pca = await fitPca(data, 2, jacobi);
    expect(() => projectTokens(tf.zeros([1, 2, 5]), pca, true)).toThrow('shape [1,2,5], wanted 6 channels');
  });
});
