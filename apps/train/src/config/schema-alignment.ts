/** Keys of `alignment`: one set for each kind. */
import { DISTANCES, SPATIAL_GAMMA, SRA_INTERVAL } from '@ahpa/alignment-losses';
import { z } from 'zod';
import { head, teacher, weighted } from './schema-alignment-parts.ts';
import { count, positive, section } from './schema-parts.ts';
import { router } from './schema-router.ts';
import type { AhpaConfig, AlignmentConfig } from './types-alignment.ts';

const distance = z
  .enum(DISTANCES)
  .default('cosine')
  .describe(
    'Between projected tokens and targets: cosine (REPA), contrast with the other tokens of the image (REPA), smooth-l1 (SRA), l1, l2, or relations between tokens.',
  );

const groups = z
  .union([
    z.literal('default'),
    z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), z.array(z.string().min(1)).min(1)),
  ])
  .default('default')
  .describe('Encoder taps of each group, finest group first; default: fine, mid and coarse of this VAE.');

const ahpa = section({
  kind: z
    .literal('ahpa')
    .describe('Groups of features of the VAE encoder, weighted by a router of the time; AHPA.'),
  ...weighted(0.5, 'REPA'),
  groups,
  depths: z
    .record(z.string(), z.array(z.int().positive()).min(1))
    .default({})
    .describe(
      'Blocks, counted from 1, at which a group is aligned; model.encoderDepth for the others; ours.',
    ),
  targetNorm: z
    .enum(['dataset', 'spatial', 'channel'])
    .default('dataset')
    .describe(
      'Of targets: per channel over the data (ours), then per channel over the tokens of an image (iREPA), or over the channels of a token.',
    ),
  head: head('mlp', 2048, 3, 'REPA'),
  distance,
  mix: z
    .enum(['loss', 'target', 'gate'])
    .default('loss')
    .describe(
      'What the router weighs: losses of the groups, the groups themselves as one target, or independent gates; ours.',
    ),
  residual: z
    .enum(['none', 'token', 'sample'])
    .default('none')
    .describe(
      'Weigh the tokens of an image, or the images, by how far they still are from their targets; RARE.',
    ),
  router: router.prefault({ kind: 'learned' }).describe('How the groups are weighted.'),
}).superRefine((config, context) => {
  for (const [broken, path, message] of conflicts(config)) {
    if (broken) context.addIssue({ code: 'custom', path: path.split('.'), message });
  }
});

// Names that the trainer gives to gradients.
const RESERVED = ['alignment', 'denoising', 'total'];

/** What does not go together: whether it is so, the key, what is wanted. */
function conflicts(
  config: Pick<AhpaConfig, 'mix' | 'depths' | 'distance' | 'head' | 'router' | 'groups'>,
): readonly (readonly [boolean, string, string])[] {
  const { mix, depths, distance, head, router, groups } = config;
  const layered = Object.keys(depths).length > 0;
  const rule = router.kind === 'learned' ? router.train : 'direct';
  const reserved = RESERVED.find((name) => groups !== 'default' && name in groups);
  return [
    [reserved !== undefined, 'groups', `wanted another name than "${reserved}"`],
    [layered && mix === 'target', 'depths', 'wanted none with mix "target", which has one head'],
    [layered && head.kind === 'shared', 'depths', 'wanted none with a shared head'],
    [mix === 'target' && distance !== 'cosine', 'distance', 'wanted "cosine" with mix "target"'],
    [
      rule !== 'direct' && mix === 'target',
      'router.train',
      'wanted "direct" with mix "target", where groups have no loss of their own',
    ],
    [
      rule === 'gradcos' && head.kind === 'shared',
      'router.train',
      'wanted another rule with a shared head, where groups have no gradient of their own',
    ],
    [
      mix === 'gate' && (router.kind !== 'learned' || rule === 'uncertainty'),
      'router',
      'wanted a learned one, not trained by uncertainty, with mix "gate"',
    ],
  ];
}

const repa = section({
  kind: z.literal('repa').describe("A frozen teacher's tokens; REPA."),
  ...weighted(0.5, 'REPA'),
  teacher,
  head: head('mlp', 2048, 3, 'REPA'),
  distance,
});

const irepa = section({
  kind: z
    .literal('irepa')
    .describe("A frozen teacher's tokens normalised over space, through a convolution; iREPA."),
  ...weighted(1, 'iREPA'),
  teacher,
  head: head('conv', 2048, 3, 'iREPA'),
  gamma: z
    .number()
    .min(0)
    .max(1)
    .default(SPATIAL_GAMMA)
    .describe("Share of each channel's mean that is taken away; iREPA."),
});

const sra = section({
  kind: z.literal('sra').describe('The averaged network itself, at a deeper block and an earlier time; SRA.'),
  ...weighted(0.2, 'SRA'),
  teacherDepth: count(
    8,
    "Block of the averaged network, counted from 1; SRA for SiT-B, whose student's is 3.",
  ),
  interval: positive(SRA_INTERVAL, 'The furthest that the averaged network looks ahead; SRA.'),
  distance: z
    .enum(['smooth-l1', 'cosine'])
    .default('smooth-l1')
    .describe('SRA; its authors later advise cosine with weight 0.5.'),
  head: head('mlp', null, 2, 'SRA'),
});

const sra2 = section({
  kind: z.literal('sra2').describe("The VAE's latent alone; SRA2."),
  ...weighted(1, 'SRA2'),
  latent: z
    .enum(['sample', 'mean'])
    .default('sample')
    .describe('The latent that the step noises, or the mean of its posterior; not published.'),
  distance: z.enum(['smooth-l1', 'cosine', 'l1', 'l2']).default('smooth-l1').describe('SRA2.'),
  head: head('mlp', null, 5, 'SRA2'),
});

const haste = section({
  kind: z.literal('haste').describe("A frozen teacher's tokens and attention, for a while; HASTE."),
  ...weighted(0.5, 'HASTE'),
  teacher,
  head: head('mlp', 2048, 3, 'REPA'),
  attention: section({
    weight: z.number().min(0).default(0.5).describe('Of the attention loss in the total; HASTE.'),
    blocks: z
      .array(z.int().min(0))
      .min(1)
      .default([4, 5, 6, 7])
      .describe('Blocks of the transformer, counted from 0; HASTE.'),
    temperature: positive(
      0.1,
      'Of the affinities between tokens of a teacher that shows no attention; ours.',
    ),
  })
    .prefault({})
    .describe('The attention that is aligned.'),
});

const own = section({
  kind: z.literal('module').describe('A loss of your own, from a JavaScript module.'),
  module: z
    .string()
    .min(1)
    .describe(
      'Path of the module, from the folder of its configuration file, or name of an installed package.',
    ),
  weight: weighted(0.5, 'REPA').weight,
  groups,
  options: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Handed to the module, which says what it means.'),
});

const none = section({ kind: z.literal('none').describe('Denoising alone.') });

/** Checks the value of `alignment`. */
export const alignment: z.ZodType<AlignmentConfig> = z.discriminatedUnion('kind', [
  none,
  ahpa,
  repa,
  irepa,
  sra,
  sra2,
  haste,
  own,
]);
