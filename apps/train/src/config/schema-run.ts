/** Keys of `optim`, `ema` and `train`: how a run goes. */
import { WIDEST_SIGMA } from '@ahpa/trainer';
import { z } from 'zod';
import { averagesOf } from './averages.ts';
import { count, positive, section } from './schema-parts.ts';
import type { TrainConfig } from './types.ts';

const decay = z.number().min(0).lt(1);

/** Checks the value of `optim`. */
export const optim: z.ZodType<TrainConfig['optim']> = section({
  learningRate: positive(2e-4, 'Of AdamW, constant after the warm-up; AHPA (REPA: 1e-4).'),
  betas: z
    .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
    .default([0.9, 0.999])
    .describe('Decay of the two AdamW moments per step; REPA.'),
  epsilon: positive(1e-8, 'Added to the root of the second moment; REPA.'),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('Decoupled decay per step, times the learning rate; REPA.'),
  maxGradNorm: positive(2, 'Gradients are scaled down to this norm over all parameters; AHPA (REPA: 1).'),
  warmup: z.int().min(0).default(0).describe('Steps over which the learning rate rises from 0; REPA: none.'),
});

/** Checks the value of `ema`. */
export const ema: z.ZodType<TrainConfig['ema']> = section({
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
}).refine((chosen) => averagesOf(chosen).length > 0, 'wanted at least one decay or relative width');

/** Checks the value of `train`. */
export const train: z.ZodType<TrainConfig['train']> = section({
  batch: count(256, 'Images per step; REPA and AHPA.'),
  steps: count(400_000, 'Optimisation steps; AHPA.'),
  seed: z.int().min(0).default(0).describe('Of initialisation, data order, noise and times.'),
  reportEvery: count(50, 'Steps between rows of stats.jsonl.'),
  sampleEvery: count(10_000, 'Steps between sample grids; REPA.'),
  checkpointEvery: count(10_000, 'Steps between checkpoints.'),
  keepLast: count(2, 'Newest checkpoints that are kept.'),
  keepEvery: z
    .int()
    .min(0)
    .default(0)
    .describe('Keep also checkpoints whose step is a multiple of this; 0 for none.'),
  precision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('Of matrix products; parameters, moments and losses are float32 in both.'),
  checkpointBlocks: z
    .boolean()
    .default(false)
    .describe(
      'Keep only the input of each block and run it again for the gradient: less memory, a third more work.',
    ),
  backend: z
    .enum(['tensorflow', 'wasm', 'cpu'])
    .default('tensorflow')
    .describe('What computes: native TensorFlow, WebAssembly, or plain JavaScript.'),
  eager: z
    .boolean()
    .default(false)
    .describe('Run operation by operation where a step could be one compiled graph.'),
});
