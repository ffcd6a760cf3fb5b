import type { Rng } from '@ahpa/ports';
import { expectClose, expectLive, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  decode,
  encode,
  initVae,
  type KlVaeParams,
  parseVaeConfig,
  samplePosterior,
  type TinyVaeParams,
  vaeStateDict,
  vaeTaps,
} from '../src/index.ts';

const golden = readGolden<{
  readonly config: Record<string, unknown>;
  readonly shapes: Record<string, readonly number[]>;
}>(import.meta.url, 'tiny.json');
const config = parseVaeConfig(golden.config);

/** Uniform values in [0, 1) that depend on the stream. */
const rng: Pick<Rng, 'uniform'> = {
  uniform: (shape, stream) => tf.tidy(() => tf.mul(tf.add(testTensor(shape, stream.length), 1), 0.5)),
};

describe('an AutoencoderTiny', () => {
  it('starts with the keys and shapes of diffusers', async () => {
    const params = expectLive(() => initVae(config, rng), Object.keys(golden.shapes).length);
    const state = await vaeStateDict(params, config);
    expect(Object.fromEntries(Object.entries(state).map(([key, { shape }]) => [key, shape]))).toEqual(
      golden.shapes,
    );
    expect(Object.keys((params as TinyVaeParams).decoder.layers)).toEqual([
      '0',
      '2',
      '4',
      '5',
      '6',
      '8',
      '9',
      '10',
    ]);
  });

  it('has the maps that vaeTaps describes', () => {
    const params = initVae(config, rng);
    const taps = vaeTaps(config);
    const names = taps.map(({ name }) => name);
    const { levels } = encode(params, tf.zeros([1, 8, 12, 3]), config, names);
    const shapes = taps.map(({ name, channels, scale }) => [name, [1, 8 / scale, 12 / scale, channels]]);
    expect(Object.entries(levels).map(([name, { shape }]) => [name, shape])).toEqual(shapes);
  });

  it('samples its mean, whatever the noise', () => {
    const params = initVae(config, rng);
    const { posterior } = encode(params, testTensor([1, 8, 8, 3]) as tf.Tensor4D, config);
    expectClose(samplePosterior(posterior, testTensor([1, 2, 2, 4], 3)), posterior.mean, {
      atol: 0,
      rtol: 0,
    });
    expect(decode(params, posterior.mean, config).shape).toEqual([1, 8, 8, 3]);
  });

  it('refuses sizes that its stages do not halve, and taps it does not have', () => {
    const params = initVae(config, rng);
    expect(() => encode(params, tf.zeros([1, 6, 8, 3]), config)).toThrow('multiples of 4');
    expect(() => encode(params, tf.zeros([1, 8, 8, 3]), config, ['mid.block_2'])).toThrow(
      'unknown taps mid.block_2; this VAE has conv_in',
    );
  });
});

describe('an AutoencoderKL without convolutions around its latent', () => {
  it('has no weights for them', () => {
    const flux = parseVaeConfig(readGolden<typeof golden>(import.meta.url, 'flux.json').config);
    const params = initVae(flux, rng) as KlVaeParams;
    expect(Object.keys(params)).toEqual(['encoder', 'decoder']);
  });
});
