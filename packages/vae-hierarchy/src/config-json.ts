/** Configs from and to the `config.json` of diffusers. */
import type { KlVaeConfig, TinyVaeConfig, VaeConfig } from './config.ts';
import {
  count,
  counts,
  expectValue,
  fail,
  flag,
  type Json,
  latentScaling,
  latentScalingJson,
} from './config-fields.ts';

const TINY_WIDTHS = [64, 64, 64, 64];

function expectBlocks(json: Json, key: string, wanted: string, levels: number): void {
  const value = json[key];
  if (value === undefined) return;
  const fits = Array.isArray(value) && value.length === levels && value.every((block) => block === wanted);
  if (!fits) fail(key, value, `${levels} times "${wanted}"`);
}

function parseKl(json: Json): KlVaeConfig {
  expectValue(json, 'act_fn', 'silu');
  const normNumGroups = count(json, 'norm_num_groups', 32);
  const blockOutChannels = counts(json, 'block_out_channels');
  if (blockOutChannels.some((channels) => channels % normNumGroups !== 0))
    fail(
      'block_out_channels',
      blockOutChannels,
      `a list of positive multiples of norm_num_groups (${normNumGroups})`,
    );
  expectBlocks(json, 'down_block_types', 'DownEncoderBlock2D', blockOutChannels.length);
  expectBlocks(json, 'up_block_types', 'UpDecoderBlock2D', blockOutChannels.length);
  const quantConv = flag(json, 'use_quant_conv', true);
  if (flag(json, 'use_post_quant_conv', true) !== quantConv)
    fail('use_post_quant_conv', !quantConv, `${quantConv}, as use_quant_conv is`);
  const latentChannels = count(json, 'latent_channels', 4);
  return {
    inChannels: 3,
    blockOutChannels,
    layersPerBlock: count(json, 'layers_per_block', 1),
    latentChannels,
    normNumGroups,
    midBlockAttention: flag(json, 'mid_block_add_attention', true),
    ...(quantConv ? {} : { quantConv }),
    ...latentScaling(json, latentChannels, 0.18215),
  };
}

function parseTiny(json: Json): TinyVaeConfig {
  expectValue(json, 'act_fn', 'relu');
  expectValue(json, 'upsample_fn', 'nearest');
  expectValue(json, 'upsampling_scaling_factor', 2);
  const blockOutChannels = counts(json, 'encoder_block_out_channels', TINY_WIDTHS);
  const levels = blockOutChannels.length;
  const decoder = counts(json, 'decoder_block_out_channels', TINY_WIDTHS, levels);
  if (new Set([...blockOutChannels, ...decoder]).size > 1)
    fail('encoder_block_out_channels', blockOutChannels, 'one width throughout encoder and decoder');
  const latentChannels = count(json, 'latent_channels', 4);
  return {
    kind: 'tiny',
    inChannels: 3,
    blockOutChannels,
    latentChannels,
    encoderBlocks: counts(json, 'num_encoder_blocks', [1, 3, 3, 3], levels),
    decoderBlocks: counts(json, 'num_decoder_blocks', [3, 3, 3, 1], levels),
    globalBranch: flag(json, 'use_midblock_gn', false),
    ...latentScaling(json, latentChannels, 1),
  };
}

/**
 * The config of a parsed diffusers `config.json` of either kind.
 * @throws Error where a feature is not supported
 */
export function parseVaeConfig(json: unknown): VaeConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(`VAE config is ${JSON.stringify(json)}, wanted the object of a diffusers config.json.`);
  }
  const fields = json as Json;
  const { _class_name: name = 'AutoencoderKL' } = fields;
  if (name !== 'AutoencoderKL' && name !== 'AutoencoderTiny')
    fail('_class_name', name, '"AutoencoderKL" or "AutoencoderTiny"');
  expectValue(fields, 'in_channels', 3);
  expectValue(fields, 'out_channels', 3);
  return name === 'AutoencoderTiny' ? parseTiny(fields) : parseKl(fields);
}

function klJson(config: KlVaeConfig): Record<string, unknown> {
  const levels = config.blockOutChannels.length;
  const quantConv = config.quantConv ?? true;
  return {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: [...config.blockOutChannels],
    down_block_types: Array.from({ length: levels }, () => 'DownEncoderBlock2D'),
    layers_per_block: config.layersPerBlock,
    mid_block_add_attention: config.midBlockAttention,
    norm_num_groups: config.normNumGroups,
    up_block_types: Array.from({ length: levels }, () => 'UpDecoderBlock2D'),
    use_post_quant_conv: quantConv,
    use_quant_conv: quantConv,
  };
}

function tinyJson(config: TinyVaeConfig): Record<string, unknown> {
  return {
    _class_name: 'AutoencoderTiny',
    act_fn: 'relu',
    encoder_block_out_channels: [...config.blockOutChannels],
    decoder_block_out_channels: [...config.blockOutChannels],
    num_encoder_blocks: [...config.encoderBlocks],
    num_decoder_blocks: [...config.decoderBlocks],
    ...(config.globalBranch ? { use_midblock_gn: true } : {}),
  };
}

/** The diffusers `config.json` of a config; `parseVaeConfig` reads it back. */
export function vaeConfigJson(config: VaeConfig): Record<string, unknown> {
  return {
    ...(config.kind === 'tiny' ? tinyJson(config) : klJson(config)),
    in_channels: config.inChannels,
    latent_channels: config.latentChannels,
    out_channels: config.inChannels,
    ...latentScalingJson(config),
  };
}
