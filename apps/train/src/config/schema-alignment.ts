/** Keys of `alignment`: one set for each kind. */
import { z } from 'zod';
import { count, positive, section } from './schema-parts.ts';
import type { AlignmentConfig } from './types.ts';

const weight = (fallback: number, source: string): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0).default(fallback).describe(`Weight of the alignment loss in the total; ${source}.`);

const head = section({
  kind: z.literal('mlp').default('mlp').describe('Three linear layers with SiLU between; REPA.'),
  hidden: count(2048, 'Width of the hidden layers; REPA.'),
})
  .prefault({})
  .describe('The projection from hidden tokens to a target.');

const learnedRouter = section({
  kind: z.literal('learned').describe('A small network of the time, trained with the rest; AHPA.'),
  frequencies: count(256, 'Width of the sinusoid of the time that the router reads, even; SiT.'),
  hiddenSize: count(256, 'Width of the hidden layers; ours.'),
  layers: count(4, 'Linear layers; AHPA.'),
  temperature: positive(1, 'Divides the logits; below 1 is sharper; ours.'),
  floor: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Share of the weight that is always spread evenly; ours.'),
  balance: z
    .number()
    .min(0)
    .default(0.01)
    .describe('Weight of the penalty that keeps the mean weights of a batch even; ours.'),
});

const fixedRouter = section({
  kind: z.literal('fixed').describe('Weights that nobody learns, for comparison.'),
  schedule: z
    .enum(['uniform', 'coarse', 'fine', 'linear-handover'])
    .default('uniform')
    .describe('Even, one group only, or from the coarsest at t = 1 to the finest at t = 0.'),
});

const groups = z
  .union([
    z.literal('default'),
    z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), z.array(z.string().min(1)).min(1)),
  ])
  .default('default')
  .describe('Encoder taps of each group, finest group first; default: fine, mid and coarse of this VAE.');

const ahpa = section({
  kind: z
    .literal('ahpa')
    .describe('Groups of features of the VAE encoder, weighted by a router of the time; AHPA.'),
  weight: weight(0.5, 'REPA'),
  groups,
  head,
  distance: z
    .enum(['cosine', 'smooth-l1'])
    .default('cosine')
    .describe('Between projected tokens and targets; REPA.'),
  router: z
    .discriminatedUnion('kind', [learnedRouter, fixedRouter])
    .prefault({ kind: 'learned' })
    .describe('How the groups are weighted.'),
});

const sra2 = section({
  kind: z.literal('sra2').describe("The VAE's latent alone, by smooth L1; SRA2."),
  weight: weight(1, 'SRA2'),
  head,
});

const own = section({
  kind: z.literal('module').describe('A loss of your own, from a JavaScript module.'),
  module: z
    .string()
    .min(1)
    .describe(
      'Path of the module, from the folder of its configuration file, or name of an installed package.',
    ),
  weight: weight(0.5, 'REPA'),
  groups,
  options: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Handed to the module, which says what it means.'),
});

const none = section({ kind: z.literal('none').describe('Denoising alone.') });

/** Checks the value of `alignment`. */
export const alignment: z.ZodType<AlignmentConfig> = z.discriminatedUnion('kind', [none, ahpa, sra2, own]);
