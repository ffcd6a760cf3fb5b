import { parseVaeConfig, SD_VAE_F8D4, type VaeConfig } from '@ahpa/vae-hierarchy';
import { describe, expect, it } from 'vitest';
import { differences } from '../../src/config/changes.ts';
import { loadConfig } from '../../src/config/load.ts';
import { resolveShapes } from '../../src/models/shapes.ts';

/** The VAEs' own files say these: madebyollin/taesd, taef1 and taef2, and a VAE of two levels. */
const tiny = (latent: number, blocks: readonly number[]): VaeConfig =>
  parseVaeConfig({
    _class_name: 'AutoencoderTiny',
    latent_channels: latent,
    encoder_block_out_channels: blocks.map(() => 64),
    decoder_block_out_channels: blocks.map(() => 64),
    num_encoder_blocks: blocks,
    num_decoder_blocks: [3, 3, 3, 1].slice(-blocks.length),
  });

describe.each(['repa', 'irepa', 'haste'])('the configuration %s', (name) => {
  it.each([
    ['an AutoencoderKL', SD_VAE_F8D4, 'mid.block_2', 512],
    ['TAESD', tiny(4, [1, 3, 3, 3]), 'down.3.block.2', 64],
    ['TAEF1', tiny(16, [1, 3, 3, 3]), 'down.3.block.2', 64],
    ['a small one', tiny(4, [1, 2]), 'down.1.block.1', 64],
  ])('follows the deepest level of %s', (_, vae, tap, width) => {
    const config = loadConfig({ names: [name], set: [] });
    const { source, groups } = resolveShapes(config, vae, { size: 64, classes: ['a'] });
    expect(source.groups).toEqual([{ name: 'teacher', taps: [tap] }]);
    expect(groups).toEqual([{ name: 'teacher', width, tokens: (64 / vaeFactor(vae) / 2) ** 2 }]);
  });

  it('continues a run that named the map of the AutoencoderKL, and no other', () => {
    const config = loadConfig({ names: [name], set: [] });
    const taps = (tap: string): string => `alignment.teacher={"kind":"vae","taps":["${tap}"]}`;
    const former = loadConfig({ names: [name], set: [taps('mid.block_2')] });
    expect(differences(former, config)).toEqual([]);
    const other = loadConfig({ names: [name], set: [taps('conv_in')] });
    expect(differences(other, config)).toEqual([
      { key: 'alignment.teacher.taps', from: ['conv_in'], to: 'deepest' },
    ]);
  });
});

const vaeFactor = ({ blockOutChannels }: VaeConfig): number => 2 ** (blockOutChannels.length - 1);
