/** Keys of `train`: length, intervals, seed and backend of a run. */

import { BACKENDS } from '@ahpa/engine';
import { count, flag, type Resolved, section, wholeNumber } from '@ahpa/options';
import { z } from 'zod';

/** Schema of `train`. */
export const train = section({
  batch: count(256, 'Images per step; REPA and AHPA.'),
  accumulate: count(1, 'Equal parts a batch is computed in, one after the other, for less memory; REPA: 1.'),
  steps: count(400_000, 'Optimisation steps; AHPA.'),
  seed: wholeNumber(0, 'Of initialisation, data order, noise and times.'),
  reportEvery: count(50, 'Steps between rows of stats.jsonl.'),
  sampleEvery: wholeNumber(10_000, 'Steps between sample grids; 0 for none; REPA: 10,000.'),
  checkpointEvery: count(10_000, 'Steps between checkpoints.'),
  keepLast: count(2, 'Newest checkpoints that are kept.'),
  keepEvery: wholeNumber(0, 'Keep also checkpoints whose step is a multiple of this; 0 for none.'),
  precision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('Of matrix products; parameters, moments and losses are float32 in both.'),
  checkpointBlocks: flag(
    'Keep only the input of each block and run it again for the gradient: less memory, a third more work.',
  ),
  backend: z
    .enum(BACKENDS)
    .default('tensorflow')
    .describe('Native TensorFlow, WebAssembly, or plain JavaScript.'),
  eager: flag('Run operation by operation where a step could be one compiled graph.'),
});

/** Value of `train`. */
export type RunConfig = Resolved<typeof train>;
