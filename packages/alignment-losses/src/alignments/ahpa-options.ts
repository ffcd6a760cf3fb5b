/** Options of AHPA, the router's not included. */
import { section } from '@ahpa/options';
import { z } from 'zod';
import { beyondDepth, type Limits, type Problem } from '../kind.ts';
import { distance, groups, head, weighted } from './options.ts';

/** Meaning, bounds, default and source of every option. */
export const ahpaOptions = section({
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
      'The router weighs losses of the groups, the groups themselves as one target, or independent gates; ours.',
    ),
  residual: z
    .enum(['none', 'token', 'sample'])
    .default('none')
    .describe(
      'Weigh the tokens of an image, or the images, by how far they still are from their targets; RARE.',
    ),
});

/** Resolved options of AHPA. */
export type AhpaOptions = z.output<typeof ahpaOptions>;

// Names that the trainer gives to gradients.
const RESERVED = ['alignment', 'denoising', 'total'];

/** Incompatible options. */
export function ahpaProblems(options: AhpaOptions, { depth, router }: Limits): readonly Problem[] {
  const { mix, depths, distance, head, groups } = options;
  const layered = Object.keys(depths).length > 0;
  const { gates, needs } = router ?? { gates: true, needs: 'nothing' };
  const reserved = RESERVED.find((name) => groups !== 'default' && name in groups);
  const conflicts: readonly (readonly [boolean, string, string])[] = [
    [reserved !== undefined, 'groups', `wanted another name than "${reserved}"`],
    [layered && mix === 'target', 'depths', 'wanted none with mix "target", which has one head'],
    [layered && head.kind === 'shared', 'depths', 'wanted none with a shared head'],
    [mix === 'target' && distance !== 'cosine', 'distance', 'wanted "cosine" with mix "target"'],
    [
      mix === 'target' && needs !== 'nothing',
      'router.train',
      'wanted "direct" with mix "target", where groups have no loss of their own',
    ],
    [
      needs === 'group gradients' && head.kind === 'shared',
      'router.train',
      'wanted another rule with a shared head, where groups have no gradient of their own',
    ],
    [mix === 'gate' && !gates, 'router', 'wanted a learned one, not trained by uncertainty, with mix "gate"'],
  ];
  return [
    ...conflicts.flatMap(([broken, path, message]) => (broken ? [{ path: path.split('.'), message }] : [])),
    ...Object.entries(depths).flatMap(([name, blocks]) => beyondDepth(['depths', name], blocks, depth)),
  ];
}
