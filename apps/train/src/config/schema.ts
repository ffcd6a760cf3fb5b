/** Meaning, unit, bounds, default and source of every key of a configuration. */
import { SIT, type SiTName } from '@ahpa/dit-core';
import { count, fraction, section } from '@ahpa/options';
import { z } from 'zod';
import { alignment, alignmentProblems } from './alignment.ts';
import { data, hierarchy, vae } from './schema-data.ts';
import { evaluate } from './schema-evaluate.ts';
import { ema, optim } from './schema-optim.ts';
import { train } from './schema-run.ts';
import { sample, time } from './schema-sample.ts';
import type { TrainConfig } from './types.ts';

const customSize = section({
  hiddenSize: z.int().positive().describe('Width of a token; a multiple of 4 and of heads.'),
  depth: z.int().positive().describe('Number of blocks.'),
  heads: z.int().positive().describe('Attention heads.'),
  patchSize: z.int().positive().describe('Side in latent pixels of the square that becomes a token.'),
});

const init = section({
  path: z
    .string()
    .min(1)
    .describe('A weights file, a folder of diffusers, a checkpoint or an exported folder.'),
  from: z
    .enum(['file', 'repa', 'sit', 'dit'])
    .default('file')
    .describe("Whose they are: as the file tells, or sit or dit for those networks' own files."),
  part: z.string().nullable().default(null).describe('Entry of a training checkpoint; null for its average.'),
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
  qkNorm: z
    .boolean()
    .default(false)
    .describe('Queries and keys pass a LayerNorm with weights; timm, REPA: no.'),
  init: init.nullable().default(null).describe('Weights that a new run starts from; null for random ones.'),
});

const shape = {
  description: z.string().default('').describe('What the run is for, in a sentence.'),
  data,
  vae,
  hierarchy,
  model: model.prefault({}).describe('The diffusion transformer.'),
  alignment: alignment.prefault({ kind: 'ahpa' }).describe('Target of the hidden tokens.'),
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
  evaluate: evaluate.prefault({}).describe('How the run is measured while it trains.'),
};

/** Checks a whole configuration and fills in what is absent. */
export const configSchema: z.ZodType<TrainConfig> = section(shape).superRefine(
  ({ model: { size, encoderDepth }, alignment, train: { batch, accumulate } }, context) => {
    const { depth } = typeof size === 'string' ? SIT[size] : size;
    if (encoderDepth > depth) {
      const message = `wanted at most the model's depth, ${depth}, got ${encoderDepth}`;
      context.addIssue({ code: 'custom', path: ['model', 'encoderDepth'], message });
    }
    for (const { path, message } of alignmentProblems(alignment, depth)) {
      context.addIssue({ code: 'custom', path: ['alignment', ...path], message });
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
