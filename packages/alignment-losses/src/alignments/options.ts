/** Options that several alignments share: weight and its schedule, head, teacher, groups, distance. */
import { count, section } from '@ahpa/options';
import { z } from 'zod';
import { DISTANCES, type Distance } from '../distance.ts';
import type { TargetRequest } from '../kind.ts';
import type { ScheduleOptions } from '../schedule.ts';
import { schedule } from './schedule-options.ts';

/** A projection from hidden tokens to targets; a width of null is twice the model's. */
export type HeadOptions =
  | { readonly kind: 'mlp'; readonly hidden: number | null; readonly layers: number }
  | { readonly kind: 'shared'; readonly hidden: number | null; readonly layers: number }
  | { readonly kind: 'conv'; readonly kernel: number }
  | { readonly kind: 'linear' };

/** A frozen teacher: taps of the VAE's encoder, or a file with the features of any encoder. */
export type TeacherOptions =
  | { readonly kind: 'vae'; readonly taps: readonly string[] | 'deepest' }
  | { readonly kind: 'file'; readonly path: string };

/** The features of a teacher. */
export const teacherTargets = (teacher: TeacherOptions): TargetRequest =>
  teacher.kind === 'file' ? { groups: {}, file: teacher.path } : { groups: { teacher: teacher.taps } };

/** The distance between projected tokens and targets. */
export const distance: z.ZodDefault<z.ZodType<Distance>> = z
  .enum(DISTANCES)
  .default('cosine')
  .describe(
    'Between projected tokens and targets: cosine (REPA), contrast with the other tokens of the image (REPA), smooth-l1 (SRA), l1, l2, or relations between tokens.',
  );

/** Groups of taps of the VAE's encoder. */
export const groups = z
  .union([
    z.literal('default'),
    z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), z.array(z.string().min(1)).min(1)),
  ])
  .default('default')
  .describe('Encoder taps of each group, finest group first; default: fine, mid and coarse of this VAE.');

/** `weight` and `schedule`. */
export function weighted(
  fallback: number,
  source: string,
): { weight: z.ZodDefault<z.ZodNumber>; schedule: z.ZodType<ScheduleOptions> } {
  return {
    weight: z
      .number()
      .min(0)
      .default(fallback)
      .describe(`Weight of the alignment loss in the total; ${source}.`),
    schedule: schedule
      .prefault({ kind: 'constant' })
      .describe('How the weight goes over training.') as z.ZodType<ScheduleOptions>,
  };
}

/** The projection from hidden tokens to a target. */
export function head(
  kind: 'mlp' | 'conv',
  hidden: number | null,
  layers: number,
  source: string,
): z.ZodType<HeadOptions> {
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
    .describe('The projection from hidden tokens to a target.') as z.ZodType<HeadOptions>;
}

/** The kind `value`, optional where it is the fallback. */
function named<T extends string>(value: T, fallback: string, description: string): z.ZodType<T> {
  const literal = z.literal(value);
  const checked = value === fallback ? literal.default(value as never) : literal;
  return checked.describe(description) as z.ZodType as z.ZodType<T>;
}

/** The teacher whose tokens are the target. */
export const teacher: z.ZodType<TeacherOptions> = z
  .discriminatedUnion('kind', [
    section({
      kind: z.literal('vae').describe('The frozen VAE encoder itself, which needs nothing else; ours.'),
      taps: z
        .union([z.literal('deepest'), z.array(z.string().min(1)).min(1)])
        .default('deepest')
        .describe('Encoder taps, their channels one after the other; deepest: the last before the latent.'),
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
  .describe('The frozen encoder whose tokens are the target; REPA: DINOv2-B.') as z.ZodType<TeacherOptions>;
