/** Keys of `sample`, sampler, guidance and grids, and of `time`, the distribution of training times. */
import { SAMPLERS, type SampleConfig } from '@ahpa/dit-core';
import { count, positive, section } from '@ahpa/options';
import { z } from 'zod';

const unit = z.number().min(0).max(1);

const classes = z
  .union([z.int().positive(), z.literal('all'), z.array(z.union([z.string(), z.int().min(0)])).min(1)])
  .default(8)
  .describe(
    'Rows of a sample grid: so many classes spread over the list, "all", or a list of names and indices.',
  );

/** Schema of `sample`. */
export const sample = section({
  sampler: z
    .enum(SAMPLERS as [SampleConfig['sampler']])
    .default('sde')
    .describe(
      "Euler, Heun or adaptive Dormand-Prince on the flow, Euler-Maruyama on its stochastic twin (REPA: sde), or DDPM and DDIM for DiT's networks of noise.",
    ),
  steps: count(250, 'Intervals of time from noise to data, of all samplers but dopri5; REPA.'),
  shift: positive(
    1,
    'Multiplies the noise-to-signal ratio of the times visited, 1 is none; SD3, for many latent pixels.',
  ),
  rtol: positive(1e-3, 'Relative error that dopri5 allows in a step; SiT: 1e-3.'),
  atol: positive(1e-6, 'Absolute error that dopri5 allows in a step; SiT: 1e-6.'),
  guidance: z.number().min(0).default(1).describe('Guidance weight; 1 is none; SiT: 1.5.'),
  guidanceInterval: z
    .tuple([unit, unit])
    .refine(([low, high]) => low <= high, 'wanted the lower end first')
    .default([0, 1])
    .describe('Times between which guidance acts, ends included; REPA: [0, 0.7].'),
  guidanceChannels: z
    .union([z.literal('all'), z.int().positive()])
    .default('all')
    .describe('Leading latent channels that are guided; REPA: all, SiT: 3 of 4.'),
  classes,
  perClass: count(8, 'Images of each class in a sample grid.'),
});

/** Schema of `time`. */
export const time = section({
  sampling: z
    .enum(['uniform', 'lognormal', 'logit-normal'])
    .default('uniform')
    .describe(
      'Distribution of training times: even in [0, 1], log of the noise-to-signal ratio normal (EDM), or logit of t normal (SD3); REPA: uniform.',
    ),
  mean: z.number().default(0).describe('Of the normal distribution; SRA: 0.847 with lognormal.'),
  std: positive(1, 'Deviation of the normal distribution; SRA: 0.8 with lognormal.'),
  shift: positive(
    1,
    'Moves times towards noise above 1, t becomes shift t / (1 + (shift - 1) t); SD3: 3 at 1024 px.',
  ),
});
