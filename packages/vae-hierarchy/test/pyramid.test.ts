import { expectClose, expectLive, testTensor, testValues } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  addMoments,
  channelStatistics,
  defaultGroups,
  emptyMoments,
  groupTokens,
  SD_VAE_F8D4,
  standardize,
  vaeTaps,
} from '../src/index.ts';

describe('groupTokens', () => {
  it('averages each map over its box and concatenates channels', () => {
    const coarse = testTensor([2, 2, 2, 3], 1) as tf.Tensor4D;
    const fine = testTensor([2, 4, 8, 2], 2) as tf.Tensor4D;
    const tokens = expectLive(() => groupTokens([fine, coarse], 2, 'average'), 1);
    expect(tokens.shape).toEqual([2, 4, 5]);
    const boxes = tf.mean(tf.reshape(fine, [2, 2, 2, 2, 4, 2]), [2, 4]);
    expectClose(tokens, tf.reshape(tf.concat([boxes, coarse], 3), [2, 4, 5]));
  });

  it('keeps a map of the size of the grid, row by row', () => {
    const map = testTensor([1, 3, 3, 2]) as tf.Tensor4D;
    expectClose(groupTokens([map], 3, 'average'), tf.reshape(map, [1, 9, 2]));
  });

  it('refuses a map that does not divide', () => {
    const map = tf.zeros([1, 6, 8, 2]) as tf.Tensor4D;
    expect(() => groupTokens([map], 4, 'average')).toThrow('a map of 6x8 does not divide into a 4x4 grid');
    expect(() => groupTokens([map], 2, 'max' as 'average')).toThrow('resize is "max", wanted "average"');
  });
});

describe('statistics', () => {
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

describe('taps', () => {
  const taps = vaeTaps(SD_VAE_F8D4);

  it('list the maps of the SD-VAE with its published cost of 136.4 GMACs', () => {
    expect(taps.map(({ name }) => name)).toHaveLength(16);
    const giga = (name: string): number =>
      Math.round((taps.find((tap) => tap.name === name)?.cumulativeMacs ?? 0) / 1e8) / 10;
    const names = [
      'conv_in',
      'down.0.block.1',
      'down.1.block.1',
      'down.2.block.1',
      'down.3.block.1',
      'mid.block_2',
      'latent',
    ];
    expect(names.map(giga)).toEqual([0.2, 38.9, 75.7, 112.4, 124.5, 136.3, 136.4]);
    expect(taps.find(({ name }) => name === 'down.2.downsample')).toMatchObject({ channels: 512, scale: 8 });
    expect(taps[taps.length - 1]).toMatchObject({ name: 'latent', channels: 4, scale: 8 });
  });

  it('form three groups, from fine to coarse', () => {
    expect(defaultGroups(SD_VAE_F8D4)).toEqual({
      fine: ['down.0.block.1', 'down.1.block.1'],
      mid: ['down.2.block.1'],
      coarse: ['mid.block_2'],
    });
    expect(() => defaultGroups({ ...SD_VAE_F8D4, blockOutChannels: [32, 64] })).toThrow(
      'has 2 levels, wanted at least 3',
    );
  });
});
