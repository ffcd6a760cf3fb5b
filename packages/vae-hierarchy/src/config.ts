/** The size of an AutoencoderKL (SD-VAE architecture), read from and written to diffusers' `config.json`. */

/** Sizes of one VAE; images are `[B, H, W, inChannels]`, latents `[B, H / 2^(levels-1), W / 2^(levels-1), latentChannels]`. */
export interface VaeConfig {
  readonly inChannels: 3;
  /** Channels of each resolution level, finest first; a level halves the size of the one before. */
  readonly blockOutChannels: readonly number[];
  /** Residual blocks of an encoder level; a decoder level has one more. */
  readonly layersPerBlock: number;
  readonly latentChannels: number;
  readonly normNumGroups: number;
  /** Whether the middle of the encoder and the decoder has a single-head attention. */
  readonly midBlockAttention: boolean;
  /** Diffusion latents are `(z - shiftFactor) * scalingFactor`. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
}

/** Stable Diffusion's VAE (kl-f8, sd-vae-ft-ema, sd-vae-ft-mse): stride 8, 4 latent channels. */
export const SD_VAE_F8D4: VaeConfig = {
  inChannels: 3,
  blockOutChannels: [128, 256, 512, 512],
  layersPerBlock: 2,
  latentChannels: 4,
  normNumGroups: 32,
  midBlockAttention: true,
  scalingFactor: 0.18215,
  shiftFactor: 0,
};

type Json = Readonly<Record<string, unknown>>;

function fail(key: string, got: unknown, wanted: string): never {
  throw new Error(
    `VAE config: ${key} is ${JSON.stringify(got)}, wanted ${wanted}; only plain AutoencoderKL files are supported.`,
  );
}

function count(json: Json, key: string, fallback?: number): number {
  const value = json[key] ?? fallback;
  if (!Number.isSafeInteger(value) || (value as number) < 1) fail(key, value, 'a positive integer');
  return value as number;
}

function finite(json: Json, key: string, fallback: number): number {
  const value = json[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value)) fail(key, value, 'a finite number');
  return value;
}

function expectValue(json: Json, key: string, wanted: unknown): void {
  const value = json[key] ?? wanted;
  if (value !== wanted) fail(key, value, JSON.stringify(wanted));
}

function expectBlocks(json: Json, key: string, wanted: string, levels: number): void {
  const value = json[key];
  if (value === undefined) return;
  const fits = Array.isArray(value) && value.length === levels && value.every((block) => block === wanted);
  if (!fits) fail(key, value, `${levels} times "${wanted}"`);
}

function channelList(json: Json, groups: number): readonly number[] {
  const { block_out_channels: value } = json;
  const fits =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((channels) => Number.isSafeInteger(channels) && channels > 0 && channels % groups === 0);
  if (!fits) fail('block_out_channels', value, `a list of positive multiples of norm_num_groups (${groups})`);
  return value as number[];
}

/** Reads a diffusers AutoencoderKL `config.json`; throws on any feature this package does not compute. */
export function parseVaeConfig(json: unknown): VaeConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(`VAE config is ${JSON.stringify(json)}, wanted the object of a diffusers config.json.`);
  }
  const fields = json as Json;
  expectValue(fields, '_class_name', 'AutoencoderKL');
  expectValue(fields, 'in_channels', 3);
  expectValue(fields, 'out_channels', 3);
  expectValue(fields, 'act_fn', 'silu');
  expectValue(fields, 'use_quant_conv', true);
  expectValue(fields, 'use_post_quant_conv', true);
  expectValue(fields, 'latents_mean', null);
  expectValue(fields, 'latents_std', null);
  const normNumGroups = count(fields, 'norm_num_groups', 32);
  const blockOutChannels = channelList(fields, normNumGroups);
  expectBlocks(fields, 'down_block_types', 'DownEncoderBlock2D', blockOutChannels.length);
  expectBlocks(fields, 'up_block_types', 'UpDecoderBlock2D', blockOutChannels.length);
  const { mid_block_add_attention: attention = true } = fields;
  if (typeof attention !== 'boolean') fail('mid_block_add_attention', attention, 'true or false');
  return {
    inChannels: 3,
    blockOutChannels,
    layersPerBlock: count(fields, 'layers_per_block', 1),
    latentChannels: count(fields, 'latent_channels', 4),
    normNumGroups,
    midBlockAttention: attention,
    scalingFactor: finite(fields, 'scaling_factor', 0.18215),
    shiftFactor: finite(fields, 'shift_factor', 0),
  };
}

/** The diffusers `config.json` of a config; `parseVaeConfig` reads it back. */
export function vaeConfigJson(config: VaeConfig): Record<string, unknown> {
  const levels = config.blockOutChannels.length;
  return {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: [...config.blockOutChannels],
    down_block_types: Array.from({ length: levels }, () => 'DownEncoderBlock2D'),
    in_channels: config.inChannels,
    latent_channels: config.latentChannels,
    layers_per_block: config.layersPerBlock,
    mid_block_add_attention: config.midBlockAttention,
    norm_num_groups: config.normNumGroups,
    out_channels: config.inChannels,
    scaling_factor: config.scalingFactor,
    shift_factor: config.shiftFactor,
    up_block_types: Array.from({ length: levels }, () => 'UpDecoderBlock2D'),
    use_post_quant_conv: true,
    use_quant_conv: true,
  };
}
