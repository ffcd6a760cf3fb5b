/** Meaning, unit, bounds, default and source of every key of a configuration. */
import { SIT } from '@ahpa/dit-core';
import { hierarchyOptions, vaeChoice } from '@ahpa/image-features/options';
import { type Resolved, section } from '@ahpa/options';
import { z } from 'zod';
import { dataOptions } from '../data/kinds.ts';
import { alignment, alignmentProblems } from './alignment.ts';
import { evaluate } from './schema-evaluate.ts';
import { interpolant, model } from './schema-model.ts';
import { ema, optim } from './schema-optim.ts';
import { train } from './schema-run.ts';
import { sample, time } from './schema-sample.ts';

const shape = {
  description: z.string().default('').describe('Purpose of the run, in a sentence.'),
  data: dataOptions.prefault({ kind: 'emoji' }).describe('The images.'),
  vae: vaeChoice
    .prefault({ kind: 'emoji-vae' })
    .describe('The frozen autoencoder: its latents are the data, its encoder gives the alignment targets.'),
  hierarchy: hierarchyOptions
    .prefault({})
    .describe("The encoder's features as targets: resizing and normalisation."),
  model: model.prefault({}).describe('The diffusion transformer.'),
  alignment: alignment.prefault({ kind: 'ahpa' }).describe('Alignment of hidden tokens with targets.'),
  interpolant: interpolant.prefault({}).describe('The path from data to noise.'),
  time: time.prefault({}).describe('Training times.'),
  optim: optim.prefault({}).describe('Optimizer, learning rate and weight decay.'),
  ema: ema.prefault({}).describe('Moving averages of the weights; samples are drawn from the first.'),
  train: train.prefault({}).describe('Length, intervals, seed and backend of the run.'),
  sample: sample.prefault({}).describe('Sampler and guidance, and classes of sample grids.'),
  evaluate: evaluate.prefault({}).describe('Evaluation during training.'),
};

/** Schema of a whole configuration; absent keys get their defaults. */
export const configSchema = section(shape).superRefine(
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

/** Value of a whole configuration: every key is present. */
export type TrainConfig = Resolved<typeof configSchema>;

/** Schema of a configuration file: the same keys, and the configuration that it extends. */
export const fileSchema = section({
  $schema: z.string().optional().describe('Where editors find the schema of this file.'),
  extends: z.string().optional().describe('Name or path of the configuration that this one changes.'),
  ...shape,
});
