import {
  expectClose,
  expectLive,
  fromGolden,
  type GoldenTensor,
  readGolden,
  testTensor,
} from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  applyBlock,
  applyDiT,
  type BlockParams,
  blockModulation,
  type DiTConfig,
  type DiTParams,
  initDiT,
  parameterCount,
  predictNoise,
} from '../src/index.ts';
import { fill, leavesOf, mapLeaves, testRng } from './helpers.ts';

const config: DiTConfig = {
  latentSize: 8,
  latentChannels: 4,
  patchSize: 2,
  hiddenSize: 32,
  depth: 2,
  heads: 2,
  mlpRatio: 4,
  classes: 5,
  encoderDepths: [1, 2],
};
const latents = (): tf.Tensor4D => testTensor([2, 8, 8, 4], 3) as tf.Tensor4D;
const times = (): tf.Tensor1D => tf.tensor1d([0.15, 0.8]);
const labels = (): tf.Tensor1D => tf.tensor1d([3, 5], 'int32');

describe('against PyTorch', () => {
  test('one adaLN-zero block', () => {
    type Golden = { out: GoldenTensor; dx: GoldenTensor; dc: GoldenTensor };
    const golden = readGolden<Golden>(import.meta.url, 'block.json');
    const tiny = initDiT({ ...config, hiddenSize: 16, depth: 1, encoderDepths: [1] }, testRng);
    const params = fill(tiny.blocks[0] as BlockParams);
    const apply = (x: tf.Tensor, condition: tf.Tensor): tf.Tensor =>
      applyBlock(
        params,
        x as tf.Tensor3D,
        blockModulation(params, tf.mul(condition, tf.sigmoid(condition)) as tf.Tensor2D),
        2,
      );
    const inputs = [testTensor([2, 6, 16], 1), testTensor([2, 16], 2)] as const;
    expectClose(apply(...inputs), golden.out);
    const [dx, dc] = tf.grads((x, c) => tf.mean(tf.square(apply(x as tf.Tensor, c as tf.Tensor))))([
      ...inputs,
    ]);
    expectClose(dx as tf.Tensor, golden.dx, { atol: 1e-6 });
    expectClose(dc as tf.Tensor, golden.dc, { atol: 1e-6 });
  });

  test('velocity and hidden tokens of the whole model', () => {
    const golden = readGolden<{ velocity: GoldenTensor; hidden: GoldenTensor[] }>(
      import.meta.url,
      'model.json',
    );
    const { velocity, hidden } = applyDiT(
      fill(initDiT(config, testRng)),
      latents(),
      times(),
      labels(),
      config,
    );
    expectClose(velocity, golden.velocity);
    expect(hidden.length).toBe(2);
    hidden.forEach((tokens, i) => {
      expectClose(tokens, golden.hidden[i] as GoldenTensor);
    });
  });

  test.each([
    [false, 1],
    [true, 1],
    [false, 2],
    [true, 2],
    [false, 3],
  ])(
    'the gradient of mean(velocity²) for every parameter, blocks checkpointed: %s, lanes: %d',
    (checkpointBlocks, lanes) => {
      const golden = readGolden<Record<string, GoldenTensor>>(import.meta.url, 'gradients.json');
      const params = fill(initDiT(config, testRng));
      const paths = leavesOf(params).map(([path]) => path);
      const [xt, t, y] = [latents(), times(), labels()];
      const loss = (...leaves: tf.Tensor[]): tf.Scalar => {
        const moved: DiTParams = mapLeaves(params, (path) => leaves[paths.indexOf(path)] as tf.Tensor);
        return tf.mean(tf.square(applyDiT(moved, xt, t, y, { ...config, checkpointBlocks, lanes }).velocity));
      };
      const gradients = tf.grads((...leaves) => loss(...leaves))(leavesOf(params).map(([, leaf]) => leaf));
      expect([...paths].sort()).toEqual(Object.keys(golden).sort());
      paths.forEach((path, i) => {
        const gradient = gradients[i] as tf.Tensor;
        const rows = tf.reshape(gradient, [gradient.shape[0] as number, -1]) as tf.Tensor2D;
        const seen = gradient.rank === 1 ? gradient : tf.dot(rows, testTensor([rows.shape[1]], 7));
        expectClose(seen, fromGolden(golden[path] as GoldenTensor), { atol: 1e-6 });
      });
    },
  );
});

describe("published networks that differ from REPA's", () => {
  type Golden = { velocities: Record<string, GoldenTensor>; gradients: Record<string, GoldenTensor> };
  const golden = readGolden<Golden>(import.meta.url, 'networks.json');
  const small: DiTConfig = {
    ...{ ...config, latentSize: 4, latentChannels: 3, hiddenSize: 16, depth: 1, encoderDepths: [] },
  };
  const xt = (): tf.Tensor4D => testTensor([2, 4, 4, 3], 3) as tf.Tensor4D;
  const networks: Readonly<Record<string, DiTConfig>> = {
    sit: { ...small, learnSigma: true, convention: 'sit' },
    dit: { ...small, learnSigma: true, convention: 'dit' },
    qkNorm: { ...small, qkNorm: true },
  };

  test.each(Object.entries(networks))('velocity of %s', (name, network) => {
    const params = fill(initDiT(network, testRng));
    const count = leavesOf(params).reduce((sum, [, leaf]) => sum + leaf.size, 0);
    expect(count).toBe(parameterCount(network));
    const { velocity } = applyDiT(params, xt(), times(), labels(), network);
    expectClose(velocity, golden.velocities[name] as GoldenTensor);
  });

  test('noise and range of DiT at whole steps', () => {
    const network: DiTConfig = { ...small, learnSigma: true, convention: 'dit' };
    const params = fill(initDiT(network, testRng));
    const steps = tf.tensor1d([150 / 999, 799 / 999]);
    const [x, y] = [xt(), labels()];
    const noise = expectLive(() => predictNoise(params, x, steps, y, network), 1);
    expectClose(noise, golden.velocities['noise'] as GoldenTensor);
  });

  test.each([false, true])('gradients of qk-norm, blocks checkpointed: %s', (checkpointBlocks) => {
    const network = { ...small, qkNorm: true, checkpointBlocks };
    const params = fill(initDiT(network, testRng));
    const [x, t, y] = [xt(), times(), labels()];
    for (const [path, wanted] of Object.entries(golden.gradients)) {
      const loss = (leaf: tf.Tensor): tf.Scalar => {
        const moved = mapLeaves(params, (at, own) => (at === path ? leaf : own));
        return tf.mean(tf.square(applyDiT(moved, x, t, y, network).velocity));
      };
      const [, own] = leavesOf(params).find(([at]) => at === path) as [string, tf.Tensor];
      expectClose(tf.grad(loss)(own), wanted, { atol: 1e-6 });
    }
    expect(Object.keys(golden.gradients).length).toBe(4);
  });
});

describe('applyDiT', () => {
  test('a fresh model returns zero velocity, identity blocks and one tensor per output', () => {
    const params = initDiT(config, testRng);
    const inputs = [latents(), times(), labels()] as const;
    const { velocity, hidden } = expectLive(() => applyDiT(params, ...inputs, config), 1 + 2);
    expectClose(velocity, tf.zerosLike(velocity), { atol: 0 });
    expectClose(hidden[0] as tf.Tensor, hidden[1] as tf.Tensor, { atol: 0 });
  });

  test('leaves one tensor per parameter after a gradient', () => {
    const params = initDiT(config, testRng);
    const bias = params.final_layer.linear.bias;
    const [xt, t, y] = [latents(), times(), labels()];
    const velocity = (b: tf.Tensor): tf.Tensor => {
      const linear = { ...params.final_layer.linear, bias: b as tf.Tensor1D };
      const moved = { ...params, final_layer: { ...params.final_layer, linear } };
      return tf.tidy(() => applyDiT(moved, xt, t, y, config).velocity);
    };
    expectLive(() => tf.grad(velocity)(bias), 1);
  });

  test('names the input that does not fit the configuration', () => {
    const params = initDiT(config, testRng);
    const wrong = testTensor([2, 8, 8, 3]) as tf.Tensor4D;
    expect(() => applyDiT(params, wrong, times(), labels(), config)).toThrow(
      /xt has shape \[2,8,8,3\], wanted \[2,8,8,4\]/,
    );
    expect(() => applyDiT(params, latents(), tf.tensor1d([0]), labels(), config)).toThrow(/t has shape/);
    expect(() => applyDiT(params, latents(), times(), times(), config)).toThrow(/y is float32, wanted int32/);
    expect(() => applyDiT(params, latents(), times(), labels(), { ...config, depth: 3 })).toThrow(
      /2 blocks, wanted 3/,
    );
  });
});

test('taps pass through the caller, and logits of chosen blocks come out', () => {
  const params = fill(initDiT(config, testRng));
  const plain = applyDiT(params, latents(), times(), labels(), config);
  const seen: number[] = [];
  const doubled = applyDiT(
    params,
    latents(),
    times(),
    labels(),
    { ...config, attentionTaps: [1] },
    (x, tap) => {
      seen.push(tap);
      return tap === 1 ? tf.mul(x, 2) : x;
    },
  );
  expect(seen).toEqual([0, 1]);
  expect(plain.attention).toEqual([]);
  expect(doubled.attention.map(({ shape }) => shape)).toEqual([[2, 2, 16, 16]]);
  expectClose(doubled.hidden[1] as tf.Tensor, tf.mul(plain.hidden[1] as tf.Tensor, 2));
  // the final layer reads the replaced tokens: LayerNorm makes the doubling all but invisible
  expectClose(doubled.velocity, plain.velocity, { atol: 1e-4 });
});
