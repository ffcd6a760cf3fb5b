import type { Rng } from '@ahpa/ports';
import { expectLive, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  decode,
  encode,
  encodeLevels,
  initVae,
  type KlVaeConfig,
  loadVaeParams,
  parseVaeConfig,
  SD_VAE_F8D4,
  type StateTensor,
  samplePosterior,
  scaleLatent,
  unscaleLatent,
  vaeConfigJson,
  vaeStateDict,
  vaeTaps,
} from '../src/index.ts';
import { formulaState } from './formula.ts';

interface Golden {
  readonly config: Record<string, unknown>;
  readonly shapes: Record<string, readonly number[]>;
}

const golden = readGolden<Golden>(import.meta.url, 'attention.json');
const config = parseVaeConfig(golden.config) as KlVaeConfig;

/** Uniform values in [0, 1) that depend on the stream. */
const rng: Pick<Rng, 'uniform'> = {
  uniform: (shape, stream) => tf.tidy(() => tf.mul(tf.add(testTensor(shape, stream.length), 1), 0.5)),
};

describe('initVae', () => {
  it('has the keys and shapes of diffusers, in the bounds of fan-in, and runs', async () => {
    const params = expectLive(() => initVae(config, rng), Object.keys(golden.shapes).length);
    const state = await vaeStateDict(params, config);
    expect(Object.fromEntries(Object.entries(state).map(([key, { shape }]) => [key, shape]))).toEqual(
      golden.shapes,
    );
    const weight = state['encoder.conv_in.weight'] as StateTensor;
    const extreme = Math.max(...weight.data.map(Math.abs));
    expect(extreme).toBeLessThanOrEqual(1 / Math.sqrt(27));
    expect(extreme).toBeGreaterThan(0.9 / Math.sqrt(27));
    expect([...(state['encoder.conv_norm_out.weight'] as StateTensor).data]).toEqual(Array(16).fill(1));
    const z = encode(params, testTensor([1, 16, 8, 3]) as tf.Tensor4D, config).posterior.mean;
    expect(z.shape).toEqual([1, 2, 1, 4]);
    expect(decode(params, z, config).shape).toEqual([1, 16, 8, 3]);
  });
});

/** Renames keys of every tensor. */
function renamed(
  state: Record<string, StateTensor>,
  rules: readonly (readonly [RegExp, string | ((...args: string[]) => string)])[],
): Record<string, StateTensor> {
  const rename = (key: string): string =>
    rules.reduce((name, [from, to]) => name.replace(from, to as string), key);
  return Object.fromEntries(Object.entries(state).map(([key, tensor]) => [rename(key), tensor]));
}

const OLD_NAMES = [
  [/to_q\./, 'query.'],
  [/to_k\./, 'key.'],
  [/to_v\./, 'value.'],
  [/to_out\.0\./, 'proj_attn.'],
] as const;

const COMPVIS_NAMES = [
  [/down_blocks\.(\d)\.resnets\./, 'down.$1.block.'],
  [/down_blocks\.(\d)\.downsamplers\.0/, 'down.$1.downsample'],
  [/up_blocks\.(\d)\.resnets\./, (_: string, i: string) => `up.${3 - Number(i)}.block.`],
  [/up_blocks\.(\d)\.upsamplers\.0/, (_: string, i: string) => `up.${3 - Number(i)}.upsample`],
  [/conv_shortcut/, 'nin_shortcut'],
  [/mid_block\.resnets\.0/, 'mid.block_1'],
  [/mid_block\.resnets\.1/, 'mid.block_2'],
  [/mid_block\.attentions\.0/, 'mid.attn_1'],
  [/group_norm/, 'norm'],
  [/to_out\.0/, 'proj_out'],
  [/to_([qkv])/, '$1'],
  [/conv_norm_out/, 'norm_out'],
] as const;

describe('state dict', () => {
  const state = (): Record<string, StateTensor> => formulaState(golden.shapes);

  it('comes back bit for bit', async () => {
    expect(await vaeStateDict(loadVaeParams(state(), config), config)).toEqual(state());
  });

  it.each([
    ['old diffusers', OLD_NAMES],
    ['CompVis', COMPVIS_NAMES],
  ])('loads with %s names, attention as convolutions', async (_, rules) => {
    const convolutions = Object.fromEntries(
      Object.entries(renamed(state(), rules)).map(([key, { shape, data }]) => [
        key,
        { shape: shape.length === 2 ? [...shape, 1, 1] : shape, data },
      ]),
    );
    expect(Object.keys(convolutions)).not.toEqual(Object.keys(state()));
    const loaded = expectLive(() => loadVaeParams(convolutions, config), Object.keys(golden.shapes).length);
    expect(await vaeStateDict(loaded, config)).toEqual(state());
  });

  it('names what is missing, unknown, doubled or of another shape', () => {
    const { 'quant_conv.bias': bias, ...rest } = state();
    expect(() => loadVaeParams({ ...rest, 'lost.bias': bias as StateTensor }, config)).toThrow(
      'missing [quant_conv.bias], unknown [lost.bias]',
    );
    const doubled = { ...state(), 'encoder.norm_out.bias': bias as StateTensor };
    expect(() => loadVaeParams(doubled, config)).toThrow(
      'encoder.conv_norm_out.bias and encoder.norm_out.bias both name encoder.conv_norm_out.bias',
    );
    const reshaped = {
      ...state(),
      'encoder.conv_in.weight': { shape: [3, 8, 3, 3], data: new Float32Array(216) },
    };
    expect(() => loadVaeParams(reshaped, config)).toThrow(
      'encoder.conv_in.weight has shape [3,8,3,3] and 216 values, wanted shape [8,3,3,3]',
    );
    const short = { ...state(), 'quant_conv.bias': { shape: [8], data: new Float32Array(7) } };
    expect(() => loadVaeParams(short, config)).toThrow('quant_conv.bias has shape [8] and 7 values');
  });
});

describe('config', () => {
  it('round-trips, and reads the file of the SD-VAE', () => {
    expect(parseVaeConfig(vaeConfigJson(SD_VAE_F8D4))).toEqual(SD_VAE_F8D4);
    expect(config).toEqual({
      inChannels: 3,
      blockOutChannels: [8, 8, 16, 16],
      layersPerBlock: 2,
      latentChannels: 4,
      normNumGroups: 4,
      midBlockAttention: true,
      scalingFactor: 0.18215,
      shiftFactor: 0,
    });
    const plain = vaeConfigJson({ ...config, midBlockAttention: false, shiftFactor: 0.1 });
    expect(parseVaeConfig(plain)).toMatchObject({ midBlockAttention: false, shiftFactor: 0.1 });
  });

  it.each([
    [{ _class_name: 'AutoencoderKLFlux2' }, '_class_name is "AutoencoderKLFlux2", wanted "AutoencoderKL"'],
    [{ use_quant_conv: false }, 'use_post_quant_conv is true, wanted false, as use_quant_conv is'],
    [{ use_quant_conv: 1 }, 'use_quant_conv is 1, wanted true or false'],
    [{ act_fn: 'relu' }, 'act_fn is "relu"'],
    [{ latents_mean: [0] }, 'latents_mean is [0], wanted a list of 4 numbers, one a latent channel'],
    [{ latents_mean: [0, 0, 0, 0] }, 'latents_std is null, wanted a list, as the other of the two is one'],
    [
      { latents_mean: [0, 0, 0, 0], latents_std: [1, 1, 1, 1], shift_factor: 1 },
      'shift_factor is 1, wanted 0 where latents_mean is given',
    ],
    [{ block_out_channels: [] }, 'block_out_channels is [], wanted a list of positive integers'],
    [{ in_channels: 1 }, 'in_channels is 1, wanted 3'],
    [{ down_block_types: ['AttnDownEncoderBlock2D'] }, 'wanted 4 times "DownEncoderBlock2D"'],
    [{ block_out_channels: [8, 10] }, 'block_out_channels is [8,10], wanted a list of positive multiples'],
    [{ layers_per_block: 1.5 }, 'layers_per_block is 1.5, wanted a positive integer'],
    [{ scaling_factor: 'x' }, 'scaling_factor is "x", wanted a finite number'],
    [{ mid_block_add_attention: 1 }, 'mid_block_add_attention is 1'],
  ])('refuses %j', (change, message) => {
    expect(() => parseVaeConfig({ ...golden.config, ...change })).toThrow(message);
  });

  it('reads the published files of SD3 and of TAESD', () => {
    const sd3 = { latent_channels: 16, scaling_factor: 1.5305, shift_factor: 0.0609, latents_mean: null };
    const quant = { use_quant_conv: false, use_post_quant_conv: false };
    expect(parseVaeConfig({ ...vaeConfigJson(SD_VAE_F8D4), ...sd3, ...quant })).toEqual({
      ...SD_VAE_F8D4,
      latentChannels: 16,
      scalingFactor: 1.5305,
      shiftFactor: 0.0609,
      quantConv: false,
    });
    expect(
      parseVaeConfig({ _class_name: 'AutoencoderTiny', latent_magnitude: 3, latent_shift: 0.5 }),
    ).toEqual({
      kind: 'tiny',
      inChannels: 3,
      blockOutChannels: [64, 64, 64, 64],
      latentChannels: 4,
      encoderBlocks: [1, 3, 3, 3],
      decoderBlocks: [3, 3, 3, 1],
      globalBranch: false,
      scalingFactor: 1,
      shiftFactor: 0,
    });
  });

  it.each([
    [{ act_fn: 'gelu' }, 'act_fn is "gelu"'],
    [{ upsampling_scaling_factor: 4 }, 'upsampling_scaling_factor is 4, wanted 2'],
    [{ encoder_block_out_channels: [32, 64, 64, 64] }, 'wanted one width throughout encoder and decoder'],
    [
      { decoder_block_out_channels: [64] },
      'decoder_block_out_channels is [64], wanted a list of 4 positive integers',
    ],
    [{ num_encoder_blocks: [1, 3] }, 'num_encoder_blocks is [1,3], wanted a list of 4'],
  ])('refuses of an AutoencoderTiny %j', (change, message) => {
    expect(() => parseVaeConfig({ _class_name: 'AutoencoderTiny', ...change })).toThrow(message);
  });

  it('refuses what is no object', () => {
    expect(() => parseVaeConfig([1])).toThrow('VAE config is [1]');
  });
});

describe('encode and decode', () => {
  it('refuse shapes and taps they do not have', () => {
    const params = loadVaeParams(formulaState(golden.shapes), config);
    const image = tf.zeros([1, 8, 8, 3]) as tf.Tensor4D;
    expect(() => encode(params, tf.zeros([1, 8, 12, 3]) as tf.Tensor4D, config)).toThrow('multiples of 8');
    expect(() => encodeLevels(params, image, config, ['down.4.block.0'])).toThrow(
      'unknown taps down.4.block.0; this VAE has conv_in',
    );
    expect(() => decode(params, tf.zeros([1, 1, 1, 8]) as tf.Tensor4D, config)).toThrow(
      'wanted [B, h, w, 4]',
    );
  });

  it('have the maps that vaeTaps describes', () => {
    const params = loadVaeParams(formulaState(golden.shapes), config);
    const taps = vaeTaps(config);
    const { levels } = encode(
      params,
      tf.zeros([1, 16, 8, 3]),
      config,
      taps.map(({ name }) => name),
    );
    const shapes = taps.map(({ name, channels, scale }) => [name, [1, 16 / scale, 8 / scale, channels]]);
    expect(Object.entries(levels).map(([name, { shape }]) => [name, shape])).toEqual(shapes);
  });

  it('sample and scale latents', () => {
    const mean = tf.fill([1, 1, 1, 2], 2) as tf.Tensor4D;
    const logVar = tf.fill([1, 1, 1, 2], 2 * Math.log(3)) as tf.Tensor4D;
    const noise = tf.tensor4d([1, -0.5], [1, 1, 1, 2]);
    const z = expectLive(() => samplePosterior({ mean, logVar }, noise), 1);
    expect([...z.dataSync()].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([5, 0.5]);
    const shifted = { ...config, scalingFactor: 0.5, shiftFactor: 1 };
    const scaled = scaleLatent(z, shifted);
    expect([...scaled.dataSync()].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([2, -0.25]);
    expect(
      [...unscaleLatent(scaled, shifted).dataSync()].map((value) => Math.round(value * 1e4) / 1e4),
    ).toEqual([5, 0.5]);
  });

  it('scale latents by channel where the config has lists', () => {
    const lists = { latents_mean: [1, 0, 0, 0], latents_std: [2, 1, 1, 4], scaling_factor: 0.5 };
    const scaling = parseVaeConfig({ ...golden.config, ...lists });
    expect(parseVaeConfig(vaeConfigJson(scaling))).toEqual(scaling);
    const z = tf.tensor4d([3, 1, 2, 8], [1, 1, 1, 4]);
    const scaled = expectLive(() => scaleLatent(z, scaling), 1);
    expect([...scaled.dataSync()]).toEqual([0.5, 0.5, 1, 1]);
    expect([...expectLive(() => unscaleLatent(scaled, scaling), 1).dataSync()]).toEqual([3, 1, 2, 8]);
  });
});
