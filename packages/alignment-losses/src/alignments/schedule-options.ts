/** Options of weight schedules. */
import { count, fraction, positive, section } from '@ahpa/options';
import { z } from 'zod';
import type { ScheduleOptions } from '../schedule.ts';

const step = (fallback: number, description: string): z.ZodDefault<z.ZodInt> =>
  z.int().min(0).default(fallback).describe(description);

/** A schedule of the weight of an alignment. */
export const schedule: z.ZodType<ScheduleOptions> = z.discriminatedUnion('kind', [
  section({ kind: z.literal('constant').describe('The weight stays; REPA.') }),
  section({
    kind: z.literal('cosine').describe('The weight falls along half a cosine; ours.'),
    start: step(0, 'Step at which it begins to fall.'),
    steps: count(400_000, 'Steps from there to 0.'),
  }),
  section({
    kind: z.literal('exponential').describe('The weight falls to a tenth again and again; SRA.'),
    start: step(745_596, 'Step at which it begins to fall; SRA: 149 epochs of ImageNet.'),
    steps: count(5_004_000, 'Steps for a tenth; SRA: 1,000 epochs of ImageNet.'),
  }),
  section({
    kind: z.literal('step').describe('The alignment stops at a step; HASTE.'),
    at: count(100_000, 'The first step without; HASTE: 100,000 for SiT-B/2, 250,000 for L and XL.'),
  }),
  section({
    kind: z
      .literal('release')
      .describe('The alignment ramps down once its distance has stopped falling; RARE.'),
    warmup: step(50_000, 'Steps that are not looked at; RARE: an eighth of the budget.'),
    fast: fraction(0.999, 'Decay per step of the quick average of the distance; RARE.'),
    slow: fraction(0.99995, 'Decay per step of the slow average; RARE.'),
    threshold: positive(0.02, 'Release where (slow - fast) / slow is below this; RARE.'),
    ramp: step(50_000, 'Steps of half a cosine to 0; RARE: an eighth of the budget.'),
    latest: count(250_000, 'Step of release whatever was measured; RARE.'),
  }),
  section({
    kind: z.literal('criterion').describe('The alignment ramps down once a measure is low; ours.'),
    on: z
      .enum(['loss', 'gradient-cosine'])
      .default('gradient-cosine')
      .describe(
        "Mean distance to the targets, or cosine of the alignment's gradient with the denoising one.",
      ),
    warmup: step(1000, 'Steps that are not looked at.'),
    decay: fraction(0.999, 'Decay per step of the average of the measure.'),
    below: z.number().default(0).describe('Where the average is below this the ramp begins.'),
    ramp: step(0, 'Steps of half a cosine to 0; 0 stops at once.'),
  }),
]);
