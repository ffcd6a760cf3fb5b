/** Keys of `optim` and `ema`: optimizer and moving averages of the weights. */

import { count, positive, type Resolved, section, text, wholeNumber } from '@ahpa/options';
import { WIDEST_SIGMA } from '@ahpa/trainer';
import { z } from 'zod';

const decay = z.number().min(0).lt(1);
const weightDecay = z.number().min(0);
const steps = z.int().positive();
const final = z.number().min(0).default(0).describe('Learning rate from there on; ours.');

const schedule = z
  .discriminatedUnion('kind', [
    section({ kind: z.literal('constant').describe('The same rate to the end; REPA, AHPA.') }),
    section({
      kind: z.literal('cosine').describe('Half a cosine down.'),
      until: steps.describe('Step at which the rate has reached `final`; usually train.steps.'),
      final,
    }),
    section({
      kind: z.literal('linear').describe('A straight line down; RAE.'),
      until: steps.describe('Step at which the rate has reached `final`; usually train.steps.'),
      final,
    }),
    section({
      kind: z.literal('inverse-sqrt').describe('Falls with the root of the step; EDM2.'),
      from: steps.describe('Step from which the rate falls; EDM2: 70,000 at a batch of 2048.'),
    }),
  ])
  .prefault({ kind: 'constant' })
  .describe('Learning rate after the warm-up.');

const muon = section({
  momentum: decay.default(0.95).describe('Decay of the momentum per step; Jordan et al. 2024.'),
  match: z
    .array(z.string().min(1))
    .min(1)
    .default(['denoiser.blocks.*'])
    .describe(
      'Patterns of parameter names, `*` for any characters; the matrices among them are moved by Muon.',
    ),
})
  .nullable()
  .default(null)
  .describe(
    'Muon for the matrices of the blocks and AdamW for the rest, sharing the learning rate; null: AdamW alone.',
  );

const group = section({
  match: text('Pattern of parameter names such as `alignment.*` or `*.bias`; `*` is any characters.'),
  learningRate: z.number().min(0).default(1).describe('Factor of the learning rate.'),
  weightDecay: weightDecay
    .nullable()
    .default(null)
    .describe('In place of optim.weightDecay; null: the same.'),
});

/** Schema of `optim`. */
export const optim = section({
  learningRate: positive(2e-4, 'Highest rate, reached at the end of the warm-up; AHPA (REPA: 1e-4).'),
  betas: z
    .tuple([decay, decay])
    .default([0.9, 0.999])
    .describe('Decay of the two AdamW moments per step; REPA.'),
  epsilon: positive(1e-8, 'Added to the root of the second moment; REPA.'),
  weightDecay: weightDecay.default(0).describe('Decoupled decay per step, times the learning rate; REPA.'),
  maxGradNorm: z
    .number()
    .positive()
    .nullable()
    .default(2)
    .describe('Gradients are scaled down to this norm over all parameters; null: never; AHPA (REPA: 1).'),
  warmup: wholeNumber(0, 'Steps over which the learning rate rises from 0; REPA: none.'),
  schedule,
  muon,
  groups: z
    .array(group)
    .default([])
    .describe('Parameters with a rate or decay of their own; of several that match, the first counts.'),
});

/** Schema of `ema`. */
export const ema = section({
  decay: z
    .union([decay, z.array(decay)])
    .default(0.9999)
    .describe(
      'Of the averaged weights per step, one or several; samples are drawn from the first average; REPA.',
    ),
  sigmaRel: z
    .array(z.number().positive().max(WIDEST_SIGMA))
    .default([])
    .describe(
      'Relative widths of power-function averages kept beside; two, such as 0.05 and 0.1, let any other be reconstructed; EDM2.',
    ),
  snapshotEvery: count(
    10_000,
    'Steps between snapshots of the power-function averages, which are kept for `ahpa ema`; EDM2: 4096.',
  ),
}).refine(
  (chosen) => [chosen.decay, chosen.sigmaRel].flat(2).length > 0,
  'wanted at least one decay or relative width',
);

/** Value of `ema`. */
export type EmaChoice = Resolved<typeof ema>;
