/** Meaning, unit, bounds, default and source of every key of a configuration. */
import { SIT, type SiTName } from '@ahpa/dit-core';
import { z } from 'zod';
import { EMOJI_SETS } from '../data/emoji-set.ts';
import { alignment } from './schema-alignment.ts';
import { ema, optim } from './schema-optim.ts';
import { count, fraction, section } from './schema-parts.ts';
import { train } from './schema-run.ts';
import { sample, time } from './schema-sample.ts';
import type { TrainConfig } from './types.ts';

const data = section({
  kind: z
    .literal('emoji')
    .default('emoji')
    .describe('What the images are: emoji, labelled with their Unicode group.'),
  sets: z
    .array(z.enum(EMOJI_SETS))
    .min(1)
    .default(['noto'])
    .describe('Emoji sets, drawn by Google (noto), Microsoft (fluent-emoji-flat) or Twitter (twemoji).'),
  size: count(64, 'Side of an image in pixels.'),
  perClass: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('At most this many emoji of each class and set; null for all.'),
  holdOut: fraction(
    0.1,
    'Share of the emoji that is never trained on; chosen by code points, from 0 to below 1.',
  ),
});

const vae = z
  .discriminatedUnion('kind', [
    section({
      kind: z.literal('emoji-vae').describe('The small autoencoder that comes with this repository.'),
    }),
    section({
      kind: z.literal('file').describe('An AutoencoderKL or AutoencoderTiny on disk.'),
      path: z
        .string()
        .min(1)
        .describe(
          'Folder in diffusers layout, or a weights file (safetensors or PyTorch, any published key names).',
        ),
      decoder: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe('Second weights file, where encoder and decoder come apart (TAESD).'),
      config: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          "A diffusers config.json; null for the one beside the weights, or else by the weights' shapes.",
        ),
      scale: z
        .number()
        .positive()
        .nullable()
        .default(null)
        .describe('Factor of latents where no config.json says it; 0.18215 for SD, 0.13025 for SDXL.'),
      shift: z
        .number()
        .nullable()
        .default(null)
        .describe('Offset of latents where no config.json says it; null for none.'),
    }),
  ])
  .prefault({ kind: 'emoji-vae' })
  .describe('The frozen autoencoder: its latents are the data, its encoder gives the alignment targets.');

const customSize = section({
  hiddenSize: z.int().positive().describe('Width of a token; a multiple of 4 and of heads.'),
  depth: z.int().positive().describe('Number of blocks.'),
  heads: z.int().positive().describe('Attention heads.'),
  patchSize: z.int().positive().describe('Side in latent pixels of the square that becomes a token.'),
});

const model = section({
  size: z
    .union([z.enum(Object.keys(SIT) as [SiTName]), customSize])
    .default('SiT-S/2')
    .describe('A published SiT size (SiT, table 1) or sizes of your own.'),
  encoderDepth: count(
    3,
    'Block, counted from 1, after which hidden tokens are aligned; 3 for SiT-B/2 in RARE.',
  ),
  labelDropout: fraction(0.1, 'Share of labels replaced by the null class in training, for guidance; REPA.'),
});

const shape = {
  description: z.string().default('').describe('What the run is for, in a sentence.'),
  data: data.prefault({}).describe('The images.'),
  vae,
  model: model.prefault({}).describe('The diffusion transformer.'),
  alignment: alignment.prefault({ kind: 'ahpa' }).describe('What hidden tokens are aligned with.'),
  interpolant: section({
    path: z
      .enum(['linear', 'cosine'])
      .default('linear')
      .describe('Between data (t = 0) and noise (t = 1): straight, or along a quarter circle; SiT.'),
  })
    .prefault({})
    .describe('The path from data to noise.'),
  time: time.prefault({}).describe('Training times.'),
  optim: optim.prefault({}).describe('How parameters move.'),
  ema: ema.prefault({}).describe('Moving averages of the weights; samples are drawn from the first.'),
  train: train.prefault({}).describe('How long, how often and where.'),
  sample: sample.prefault({}).describe('How sample grids are drawn.'),
};

/** Checks a whole configuration and fills in what is absent. */
export const configSchema: z.ZodType<TrainConfig> = section(shape).superRefine(
  ({ model: { size, encoderDepth }, train: { batch, accumulate } }, context) => {
    const { depth } = typeof size === 'string' ? SIT[size] : size;
    if (encoderDepth > depth) {
      const message = `wanted at most the model's depth, ${depth}, got ${encoderDepth}`;
      context.addIssue({ code: 'custom', path: ['model', 'encoderDepth'], message });
    }
    if (batch % accumulate !== 0) {
      const message = `wanted a divisor of train.batch, ${batch}, got ${accumulate}`;
      context.addIssue({ code: 'custom', path: ['train', 'accumulate'], message });
    }
  },
);

/** Checks a configuration file as it is written: the same keys, and what it builds on. */
export const fileSchema: z.ZodType = section({
  $schema: z.string().optional().describe('Where editors find the schema of this file.'),
  extends: z.string().optional().describe('Name or path of the configuration that this one changes.'),
  ...shape,
});
