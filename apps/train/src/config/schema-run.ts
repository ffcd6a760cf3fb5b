/** Keys of `train`: how a run goes. */

import { count, section } from '@ahpa/options';
import { z } from 'zod';
import type { TrainConfig } from './types.ts';

/** Checks the value of `train`. */
export const train: z.ZodType<TrainConfig['train']> = section({
  batch: count(256, 'Images per step; REPA and AHPA.'),
  accumulate: count(1, 'Equal parts a batch is computed in, one after the other, for less memory; REPA: 1.'),
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
