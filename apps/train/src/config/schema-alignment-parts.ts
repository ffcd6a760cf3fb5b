/** Keys that several kinds of `alignment` share: weight and its schedule, head, teacher. */
import type { WeightSchedule } from '@ahpa/alignment-losses';
import { z } from 'zod';
import { count, fraction, positive, section } from './schema-parts.ts';
import type { HeadChoice, TeacherChoice } from './types-alignment.ts';

const step = (fallback: number, description: string): z.ZodDefault<z.ZodInt> =>
  z.int().min(0).default(fallback).describe(description);

const schedule: z.ZodType<WeightSchedule> = z.discriminatedUnion('kind', [
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

/** `weight` and `schedule`. */
export function weighted(
  fallback: number,
  source: string,
): { weight: z.ZodDefault<z.ZodNumber>; schedule: z.ZodType<WeightSchedule> } {
  return {
    weight: z
      .number()
      .min(0)
      .default(fallback)
      .describe(`Weight of the alignment loss in the total; ${source}.`),
    schedule: schedule
      .prefault({ kind: 'constant' })
      .describe('How the weight goes over training.') as z.ZodType<WeightSchedule>,
  };
}

/** The projection from hidden tokens to a target. */
export function head(
  kind: 'mlp' | 'conv',
  hidden: number | null,
  layers: number,
  source: string,
): z.ZodType<HeadChoice> {
  const mlp = {
    hidden: z
      .int()
      .positive()
      .nullable()
      .default(hidden)
      .describe(`Width of the hidden layers, null for twice the model's; ${source}.`),
    layers: z.int().min(1).default(layers).describe(`Linear layers; ${source}.`),
  };
  const own = section({
    kind: named('mlp', kind, `Linear layers with SiLU between; ${source}.`),
    ...mlp,
  });
  const conv = section({
    kind: named('conv', kind, 'A convolution over the token grid; iREPA.'),
    kernel: count(3, "Side of the kernel, odd; iREPA (its training script's own default is 1)."),
  });
  const shared = section({
    kind: z.literal('shared').describe('Linear layers, all but the last of them shared by all groups; ours.'),
    hidden: mlp.hidden,
    layers: z.int().min(2).default(3).describe('Linear layers, the last one of each group; ours.'),
  });
  const linear = section({ kind: z.literal('linear').describe('One linear layer; ours.') });
  return z
    .union(kind === 'mlp' ? [own, conv, shared, linear] : [conv, own, shared, linear])
    .prefault({ kind })
    .describe('The projection from hidden tokens to a target.') as z.ZodType<HeadChoice>;
}

/** The kind `value`, which may be left out where it is the fallback. */
function named<T extends string>(value: T, fallback: string, description: string): z.ZodType<T> {
  const literal = z.literal(value);
  const checked = value === fallback ? literal.default(value as never) : literal;
  return checked.describe(description) as z.ZodType as z.ZodType<T>;
}

/** Where a teacher's tokens come from. */
export const teacher: z.ZodType<TeacherChoice> = z
  .discriminatedUnion('kind', [
    section({
      kind: z.literal('vae').describe('The frozen VAE encoder itself, which needs nothing else; ours.'),
      taps: z
        .array(z.string().min(1))
        .min(1)
        .default(['mid.block_2'])
        .describe('Encoder taps, their channels one after the other.'),
    }),
    section({
      kind: z.literal('file').describe('Features of any encoder, beside a cache (data.kind cache).'),
      path: z
        .string()
        .min(1)
        .describe(
          'A .npz with the array tokens [n, T, D], one row for each record of the cache, and attention.0, attention.1, ... [n, heads, T, T] where there are logits of attention.',
        ),
    }),
  ])
  .prefault({ kind: 'vae' })
  .describe('The frozen encoder whose tokens are the target; REPA: DINOv2-B.') as z.ZodType<TeacherChoice>;
