/** Keys of `alignment.router`: how groups are weighted. */
import { z } from 'zod';
import { count, fraction, positive, section } from './schema-parts.ts';
import type { RouterChoice } from './types-alignment.ts';

const time = z
  .enum(['as-is', 'reversed', 'shuffled'])
  .default('as-is')
  .describe(
    'Where the weights of t are looked up: there, at 1 - t, or in bins of t that have changed places; controls, ours.',
  );

const penalty = (fallback: number, description: string): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0).default(fallback).describe(description);

const learned = section({
  kind: z.literal('learned').describe('A small network of the time, trained with the rest; AHPA.'),
  condition: z
    .enum(['time', 'log-snr', 'fourier'])
    .default('time')
    .describe('What sinusoids are taken of: t (SiT), the log-SNR within [-8, 8], or 1000 t; ours.'),
  per: z
    .enum(['sample', 'token'])
    .default('sample')
    .describe('Weights for each image, or for each token from its own hidden state beside the time; ours.'),
  frequencies: count(256, 'Width of the sinusoid of the time that the router reads, even; SiT.'),
  hiddenSize: count(256, 'Width of the hidden layers; ours.'),
  layers: count(4, 'Linear layers; AHPA.'),
  temperature: z
    .union([
      z.number().positive(),
      section({
        from: z.number().positive().describe('At the first step.'),
        to: z.number().positive().describe('After the last of `steps`.'),
        steps: z.int().positive().describe('Steps over which it changes, on a straight line.'),
      }),
    ])
    .default(1)
    .describe('Divides the logits; below 1 is sharper; ours.'),
  floor: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Share of the weight that is always spread evenly; ours.'),
  topK: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Groups that have a weight beyond the floor; null for all; ours.'),
  train: z
    .enum(['direct', 'normalized', 'uncertainty', 'gradcos'])
    .default('direct')
    .describe(
      "By the loss that it weighs; by that over its running mean at the time; by Kendall's uncertainties; or by how well a group's gradient agrees with the denoising one; ours.",
    ),
  entropy: penalty(0, 'Weight of the reward for even weights at every time; ours.'),
  balance: penalty(0.01, 'Weight of the penalty that keeps the mean weights of a batch even; ours.'),
  balanceDecay: fraction(0, 'How much of the mean weights is of earlier batches, for small batches; ours.'),
  mutualInformation: penalty(
    0,
    'Weight of the reward for weights that differ between times and are even on the whole; ours.',
  ),
});

const measured = section({
  kind: z.literal('measured').describe('Weights in closed form from running means in 32 bins of t; ours.'),
  train: z
    .enum(['analytic', 'gap'])
    .default('gap')
    .describe(
      'softmax(-loss / beta), which a learned router under entropy beta tends to; or softmax(gap / beta), what the student still lacks (after RARE).',
    ),
  beta: positive(0.2, 'Softness of the weights; ours.'),
  decay: fraction(0.99, 'Of the running means per step; ours.'),
  time,
});

const fixed = section({
  kind: z.literal('fixed').describe('Weights that nobody learns, for comparison.'),
  schedule: z
    .enum(['uniform', 'coarse', 'fine', 'linear-handover'])
    .default('uniform')
    .describe('Even, one group only, or from the coarsest at t = 1 to the finest at t = 0.'),
  time,
});

const oneHot = section({
  kind: z.literal('one-hot').describe('One group alone, for comparison.'),
  group: z.string().min(1).describe('Its name.'),
});

const sigmoid = section({
  kind: z.literal('sigmoid').describe('From the finest group at low t to the coarsest at high t; ours.'),
  slope: positive(10, 'Of the change at the centre.'),
  centre: z.number().min(0).max(1).default(0.5).describe('Time at which both weigh the same.'),
  time,
});

const table = section({
  kind: z.literal('table').describe('Given weights, such as those that another run has learned.'),
  weights: z
    .record(z.string(), z.array(z.number().min(0)).min(1))
    .describe('Weights of every group in equal bins of t, as many for each; rows are brought to sum 1.'),
  time,
});

/** Checks the value of `alignment.router`. */
export const router: z.ZodType<RouterChoice> = z.discriminatedUnion('kind', [
  learned,
  measured,
  fixed,
  oneHot,
  sigmoid,
  table,
]);
