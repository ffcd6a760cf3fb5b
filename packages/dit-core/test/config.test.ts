import { expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  applyDiT,
  type DiTConfig,
  forwardFlops,
  initDiT,
  parameterCount,
  SIT,
  type SiTName,
  tokenCount,
} from '../src/index.ts';
import { leavesOf, testRng } from './helpers.ts';

const names = Object.keys(SIT) as SiTName[];

function published(name: SiTName): DiTConfig {
  return { ...SIT[name], latentSize: 32, latentChannels: 4, mlpRatio: 4, classes: 1000, encoderDepths: [] };
}

describe('published sizes', () => {
  // Trainable parameters of REPA's models, and GMACs of a forward pass ("Gflops" in SiT's paper).
  test.each([
    ['SiT-S/2', 32_858_896, 6.05],
    ['SiT-B/2', 130_303_504, 23.0],
    ['SiT-L/2', 457_824_272, 80.69],
    ['SiT-XL/2', 674_816_272, 118.62],
  ] as const)('%s has %i parameters and costs %f GMACs', (name, parameters, gmacs) => {
    expect(parameterCount(published(name))).toBe(parameters);
    const { macs, flops } = forwardFlops(published(name));
    expect(macs / 1e9).toBeCloseTo(gmacs, 1);
    expect(flops).toBe(2 * macs);
  });

  // Totals of METHOD's table: REPA's state dict holds the position table too, SiT's and DiT's last layer has 8 channels.
  test.each([
    ['SiT-S/2', 32_957_200, 6_160],
    ['SiT-B/2', 130_500_112, 12_304],
    ['SiT-L/2', 458_086_416, 16_400],
    ['SiT-XL/2', 675_111_184, 18_448],
  ] as const)('%s has %i numbers in its file, and %i more with learnSigma', (name, total, more) => {
    const config = published(name);
    expect(parameterCount(config) + tokenCount(config) * config.hiddenSize).toBe(total);
    expect(parameterCount({ ...config, learnSigma: true })).toBe(parameterCount(config) + more);
    const norms = 4 * (config.hiddenSize / config.heads) * config.depth;
    expect(parameterCount({ ...config, qkNorm: true })).toBe(parameterCount(config) + norms);
  });

  test.each([32, 64])('any latent side: at %i, patches of 2, 4 and 8 cost what tokens say', (latentSize) => {
    for (const name of names.filter((other) => !other.endsWith('/1'))) {
      const config = { ...published(name), latentSize };
      const [tokens, width] = [tokenCount(config), config.hiddenSize];
      const blocks = config.depth * (tokens * (12 * width + 2 * tokens) * width + 6 * width * width);
      const ends = forwardFlops(config).macs - blocks;
      expect(ends).toBeGreaterThan(0);
      expect(ends / blocks).toBeLessThan(0.02);
    }
  });

  test('all sixteen are listed', () => {
    expect(names.length).toBe(16);
    for (const name of names) expect(SIT[name].patchSize).toBe(Number(name.split('/')[1]));
  });
});

describe('every preset at depth 1', () => {
  // Zeros are enough for shapes, and quick.
  const zeros = (shape: readonly number[]): tf.Tensor => tf.zeros(shape as number[]);
  const zeroRng = { normal: zeros, uniform: zeros };
  test.each(names)('%s', (name) => {
    const side = SIT[name].patchSize; // one token keeps the plain backend quick
    const config: DiTConfig = {
      ...published(name),
      latentSize: side,
      depth: 1,
      classes: 2,
      encoderDepths: [1],
    };
    const params = initDiT(config, zeroRng);
    const count = leavesOf(params).reduce((sum, [, leaf]) => sum + leaf.size, 0);
    expect(count).toBe(parameterCount(config));
    const xt = testTensor([1, side, side, 4]) as tf.Tensor4D;
    const { velocity, hidden } = applyDiT(params, xt, tf.tensor1d([0.5]), tf.tensor1d([2], 'int32'), config);
    expect(velocity.shape).toEqual([1, side, side, 4]);
    expect(hidden[0]?.shape).toEqual([1, tokenCount(config), config.hiddenSize]);
  });
});

describe('initDiT', () => {
  const config: DiTConfig = {
    ...published('SiT-S/2'),
    hiddenSize: 16,
    heads: 2,
    depth: 2,
    latentSize: 4,
    classes: 3,
  };

  test('paths are state-dict keys and every tensor is alive exactly once', () => {
    const params = expectLive(() => initDiT(config, testRng), 9 + 2 * 10 + 2);
    const paths = leavesOf(params).map(([path]) => path);
    expect(paths).toContain('t_embedder.mlp.2.bias');
    expect(paths).toContain('blocks.1.adaLN_modulation.1.weight');
    expect(paths).toContain('final_layer.adaLN_modulation.1.weight');
    expect(params.x_embedder.proj.weight.shape).toEqual([16, 4, 2, 2]);
    expect(params.y_embedder.embedding_table.weight.shape).toEqual([4, 16]);
  });

  test('linears fill their xavier range, biases and modulations are zero', () => {
    const params = initDiT(config, testRng);
    for (const [path, leaf] of leavesOf(params)) {
      const largest = tf.max(tf.abs(leaf)).dataSync()[0] as number;
      if (path.endsWith('bias') || path.includes('adaLN') || path.startsWith('final'))
        expect(largest).toBe(0);
      else if (leaf.rank === 2 && path.startsWith('blocks')) {
        const limit = Math.sqrt(6 / ((leaf.shape[0] as number) + (leaf.shape[1] as number)));
        expect(largest).toBeLessThanOrEqual(limit * 1.0001);
        expect(largest).toBeGreaterThan(limit * 0.95);
      } else expect(largest).toBeGreaterThan(0.01);
    }
  });

  test('streams are the paths', () => {
    const streams: string[] = [];
    const named = (shape: readonly number[], stream: string): tf.Tensor => {
      streams.push(stream);
      return tf.zeros(shape as number[]);
    };
    initDiT({ ...config, depth: 1 }, { normal: named, uniform: named });
    expect(streams).toContain('init/blocks.0.attn.qkv.weight');
    expect(new Set(streams).size).toBe(streams.length);
  });

  test('impossible configurations are refused by name', () => {
    expect(() => initDiT({ ...config, patchSize: 3 }, testRng)).toThrow(
      /latentSize 4 is not a multiple of patchSize 3/,
    );
    expect(() => initDiT({ ...config, heads: 3 }, testRng)).toThrow(/hiddenSize 16/);
    expect(() => initDiT({ ...config, encoderDepths: [2, 1] }, testRng)).toThrow(
      /ascending block numbers from 1 to depth 2/,
    );
    expect(() => parameterCount({ ...config, encoderDepths: [3] })).toThrow(/encoderDepths \[3\]/);
  });
});
