/** Options of the learned router. */
import { count, fraction, section } from '@ahpa/options';
import { z } from 'zod';

const penalty = (fallback: number, description: string): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0).default(fallback).describe(description);

/** Meaning, bounds, default and source of every option. */
export const learnedOptions = section({
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

/** Resolved options of the learned router. */
export type LearnedOptions = z.output<typeof learnedOptions>;
