import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  agreementPenalty,
  binSums,
  closedForm,
  gapTable,
  initBinMeans,
  lookUp,
  normalizedLosses,
  routerPenalty,
  softWeights,
  timeFeatures,
  uncertainty,
  updateBinMeans,
} from '../src/index.ts';
import { config } from './helpers.ts';

type Gradient = { value: GoldenTensor; dLogits: GoldenTensor };
type Golden = Record<
  'logSnr' | 'logSnrCosine' | 'fourier' | 'means' | 'normalized' | 'closedForm' | 'gap' | 'agreement',
  GoldenTensor
> & {
  topK: { weights: GoldenTensor; dLogits: GoldenTensor };
  penalty: Gradient;
  penaltyPast: Gradient;
  uncertainty: { loss: GoldenTensor };
};
const golden = readGolden<Golden>(import.meta.url, 'rules.json');
const times = (): tf.Tensor1D => tf.tensor1d([0, 0.1, 0.35, 0.6, 0.95, 1]);
const logits = (): tf.Tensor2D => testTensor([6, 3], 40) as tf.Tensor2D;
const weights = (): tf.Tensor2D => tf.softmax(logits());
const losses = (): tf.Tensor2D => tf.add(testTensor([6, 3], 42), 2);
const means = () => ({
  mean: tf.add(testTensor([4, 3], 43), 2) as tf.Tensor2D,
  seen: tf.tensor2d([2, 0, 2, 2], [4, 1]),
});
const finite = (x: tf.Tensor): boolean => [...x.dataSync()].every(Number.isFinite);

describe('conditions equal PyTorch', () => {
  test.each([
    ['logSnr', { kind: 'log-snr', path: 'linear' }],
    ['logSnrCosine', { kind: 'log-snr', path: 'cosine' }],
    ['fourier', { kind: 'fourier' }],
  ] as const)('%s', (name, condition) => {
    const t = times();
    const features = expectLive(() => timeFeatures(t, 8, condition), 1);
    expectClose(features, golden[name], { atol: 2e-4 }); // sin of 1000 t in float32
  });
});

describe('top-k', () => {
  const two = { ...config, floor: 0.1, topK: 2 };

  test('weights and gradient equal PyTorch', () => {
    expectClose(softWeights(logits(), two), golden.topK.weights);
    const gradient = tf.grad((x) => tf.mul(softWeights(x, two), testTensor([6, 3], 41)))(logits());
    expectClose(gradient, golden.topK.dLogits, { atol: 1e-6 });
  });

  test('of equals keeps the first', () => {
    const kept = softWeights(tf.zeros([1, 3]), { ...config, floor: 0, topK: 1 });
    expectClose(kept, tf.tensor2d([1, 0, 0], [1, 3]));
  });
});

test('gates are independent', () => {
  const gates = softWeights(logits(), { ...config, temperature: 1, floor: 0, form: 'gates' });
  expectClose(gates, tf.sigmoid(logits()));
});

describe('routerPenalty', () => {
  const terms = { entropy: 0.3, balance: 0.2, mutualInformation: 0.1 };
  const past = () => ({ shares: tf.tensor1d([0.6, 0.3, 0.1]), decay: 0.9 });

  test('value and gradient equal PyTorch, with and without earlier batches', () => {
    for (const [wanted, memory] of [
      [golden.penalty, undefined],
      [golden.penaltyPast, past()],
    ] as const) {
      expectClose(routerPenalty(weights(), terms, memory), wanted.value);
      const gradient = tf.grad((x) => routerPenalty(tf.softmax(x), terms, memory))(logits());
      expectClose(gradient, wanted.dLogits, { atol: 1e-6 });
    }
  });

  test('is finite at one-hot weights and for one group, and keeps one tensor', () => {
    const hard = tf.tensor2d([1, 0, 1, 0], [2, 2]);
    for (const w of [hard, tf.ones([3, 1])]) {
      expect(finite(routerPenalty(w, terms))).toBe(true);
      expect(finite(tf.grad((x) => routerPenalty(x, terms))(w))).toBe(true);
    }
    expectLive(() => routerPenalty(hard, terms), 1);
  });

  test('takes weights of tokens as so many rows', () => {
    const rows = weights();
    expectClose(routerPenalty(tf.reshape(rows, [2, 3, 3]), terms), routerPenalty(rows, terms));
  });
});

describe('running means', () => {
  test('equal PyTorch: a bin starts with what it sees and keeps what it had where nothing fell', () => {
    const [t, values] = [times(), losses()];
    const sums = expectLive(() => binSums(values, t, 4), 2);
    const updated = updateBinMeans(means(), sums, 0.9);
    expectClose(updated.mean, golden.means);
    expectClose(updated.seen, tf.tensor2d([3, 1, 3, 3], [4, 1]));
  });

  test('look up the bin of every time', () => {
    const table = tf.range(0, 8) as tf.Tensor1D;
    const rows = lookUp(tf.reshape(table, [4, 2]), tf.tensor1d([0, 0.3, 1]));
    expectClose(rows, tf.tensor2d([0, 1, 2, 3, 6, 7], [3, 2]));
  });

  test('normalise losses as PyTorch, to one where nothing was seen before', () => {
    expectClose(normalizedLosses(losses(), times(), means(), 0.9), golden.normalized);
    const one = tf.tensor1d([0.4]);
    const fresh = normalizedLosses(tf.tensor2d([0.2, 3], [1, 2]), one, initBinMeans(2), 0.9);
    expectClose(fresh, tf.ones([1, 2]));
    const zero = normalizedLosses(tf.zeros([1, 2]), one, initBinMeans(2), 0.9);
    expectClose(zero, tf.zeros([1, 2]), { atol: 0 });
  });
});

describe('closed forms', () => {
  test('equal PyTorch and keep one tensor', () => {
    const { mean } = updateBinMeans(means(), binSums(losses(), times(), 4), 0.9);
    expectClose(
      expectLive(() => closedForm(mean, 0.2), 1),
      golden.closedForm,
    );
    const distances = tf.tensor2d([0.2, 0.9, 0.95, 0.5, 0.7, 0.99, 0.9, 1.1, 1], [3, 3]);
    expectClose(
      expectLive(() => gapTable(distances, 0.3), 1),
      golden.gap,
    );
  });

  test('are even where nothing is known', () => {
    expectClose(closedForm(tf.zeros([4, 3]), 0.2), tf.fill([4, 3], 1 / 3));
    expectClose(gapTable(tf.ones([4, 3]), 0.2), tf.fill([4, 3], 1 / 3));
  });

  test('the gap follows what is lacking, the closed form what is easy', () => {
    // group 0 is known everywhere, group 1 only at low t, and can be known
    const distances = tf.tensor2d([0.1, 0.1, 0.1, 0.8], [2, 2]);
    const [gap, easy] = [gapTable(distances, 0.2), closedForm(distances, 0.2)];
    const high = (table: tf.Tensor2D): number[] => [...tf.slice(table, [1, 0], [1, 2]).dataSync()];
    expect(high(gap)[1]).toBeGreaterThan(0.95);
    expect(high(easy)[0]).toBeGreaterThan(0.95);
  });
});

describe('uncertainty', () => {
  test('weighs as Kendall, and its optimum is 1 / loss', () => {
    const s = testTensor([6, 3], 44);
    const { weights, penalty } = expectLive(() => uncertainty(s), 2);
    const mixed = tf.mean(tf.sum(tf.mul(weights, losses()), -1));
    expectClose(tf.add(mixed, penalty), golden.uncertainty.loss);
    const loss = tf.tensor1d([0.3, 2]);
    const gradient = tf.grad((x) => {
      const terms = uncertainty(x);
      return tf.add(tf.sum(tf.mul(terms.weights, loss)), terms.penalty);
    })(tf.log(loss));
    expectClose(gradient, tf.zeros([2]), { atol: 1e-5 });
  });

  test('stays finite for a loss of zero', () => {
    const { weights, penalty } = uncertainty(tf.fill([1, 2], -1e6));
    expect(finite(weights) && finite(penalty)).toBe(true);
  });
});

test('agreement rewards the group whose gradient agrees', () => {
  const cosines = testTensor([6, 3], 45) as tf.Tensor2D;
  expectClose(agreementPenalty(weights(), cosines), golden.agreement);
  const perToken = tf.tile(tf.expandDims(weights(), 1), [1, 4, 1]);
  expectClose(agreementPenalty(perToken, cosines), golden.agreement);
});
