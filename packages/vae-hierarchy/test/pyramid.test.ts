import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  deepestTap,
  defaultGroups,
  groupTokens,
  parseVaeConfig,
  SD_VAE_F8D4,
  tokenChannels,
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

  const wave = (height: number, width: number): tf.Tensor4D =>
    tf.tensor4d(
      Float32Array.from({ length: 2 * height * width * 3 }, (_, i) => Math.sin(0.7 * i)),
      [2, height, width, 3],
    );

  it('pools as PyTorch does, also where the grid does not divide the map', () => {
    const golden = readGolden<Record<string, GoldenTensor>>(import.meta.url, 'pyramid.json');
    const wanted = (name: string): GoldenTensor => golden[name] as GoldenTensor;
    const even = wave(6, 9);
    for (const resize of ['average', 'max', 'unshuffle'] as const)
      expectClose(
        expectLive(() => groupTokens([even], 3, resize), 1),
        wanted(resize),
        { atol: 1e-6 },
      );
    expectClose(groupTokens([wave(5, 8)], 3, 'average'), wanted('averageOdd'), { atol: 1e-6 });
    const [average, std] = tf.split(
      expectLive(() => groupTokens([even], 3, 'average+std'), 1),
      2,
      2,
    ) as [tf.Tensor, tf.Tensor];
    expectClose(average, wanted('average'), { atol: 1e-6 });
    expectClose(std, wanted('std'), { atol: 1e-6 });
  });

  it('has the channels that tokenChannels says', () => {
    const map = tf.zeros([1, 8, 8, 5]) as tf.Tensor4D;
    for (const resize of ['average', 'average+std', 'max', 'unshuffle'] as const)
      expect(groupTokens([map], 4, resize).shape).toEqual([1, 16, tokenChannels(5, 8, 4, resize)]);
  });

  it('refuses what it cannot divide, and what it does not know', () => {
    const map = tf.zeros([1, 6, 8, 2]) as tf.Tensor4D;
    for (const resize of ['max', 'unshuffle', 'average+std'] as const)
      expect(() => groupTokens([map], 4, resize)).toThrow('a map of 6x8 does not divide into a 4x4 grid');
    expect(() => groupTokens([map], 7, 'average')).toThrow('a map of 6x8 does not divide into a 7x7 grid');
    expect(() => groupTokens([map], 2, 'toString' as 'average')).toThrow(
      'resize is "toString", wanted one of average, max, average+std, unshuffle',
    );
  });
});

const TAEF2 = parseVaeConfig({
  _class_name: 'AutoencoderTiny',
  latent_channels: 32,
  use_midblock_gn: true,
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

  it('list the maps of TAEF2 with the cost that its layers have', () => {
    const tiny = vaeTaps(TAEF2, 64, 64);
    expect(tiny.map(({ name, scale }) => `${name} ${scale}`)).toEqual([
      ...['conv_in 1', 'down.0.block.0 1', 'down.0.downsample 2', 'down.1.block.0 2', 'down.1.block.1 2'],
      ...[
        'down.1.block.2 2',
        'down.1.downsample 4',
        'down.2.block.0 4',
        'down.2.block.1 4',
        'down.2.block.2 4',
      ],
      ...['down.2.downsample 8', 'down.3.block.0 8', 'down.3.block.1 8', 'down.3.block.2 8', 'latent 8'],
    ]);
    const conv = 9 * 64 * 64;
    expect(tiny.find(({ name }) => name === 'down.1.block.1')?.macs).toBe(3 * conv * 32 ** 2);
    expect(tiny.find(({ name }) => name === 'down.3.block.1')?.macs).toBe((3 * conv + 2 * 64 * 256) * 8 ** 2);
    expect(tiny.at(-1)).toMatchObject({ channels: 32, macs: 9 * 64 * 32 * 8 ** 2 });
  });

  it('end with one before the latent, whatever the number of levels', () => {
    expect(deepestTap(SD_VAE_F8D4)).toBe('mid.block_2');
    expect(deepestTap(TAEF2)).toBe('down.3.block.2');
    expect(deepestTap({ ...SD_VAE_F8D4, blockOutChannels: [32], midBlockAttention: false })).toBe(
      'mid.block_2',
    );
  });

  it('form three groups, from fine to coarse', () => {
    expect(defaultGroups(SD_VAE_F8D4)).toEqual({
      fine: ['down.0.block.1', 'down.1.block.1'],
      mid: ['down.2.block.1'],
      coarse: ['mid.block_2'],
    });
    expect(defaultGroups(TAEF2)).toEqual({
      fine: ['down.0.block.0', 'down.1.block.2'],
      mid: ['down.2.block.2'],
      coarse: ['down.3.block.2'],
    });
    expect(() => defaultGroups({ ...SD_VAE_F8D4, blockOutChannels: [32, 64] })).toThrow(
      'has 2 levels, wanted at least 3',
    );
  });
});
