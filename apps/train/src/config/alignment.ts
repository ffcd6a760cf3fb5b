/** Keys of `alignment`: one set for each kind, as the package of the alignments describes them, and for each kind of router. */
import {
  type AlignmentKind,
  alignments,
  constantWeight,
  defineAlignment,
  groups,
  type Problem,
} from '@ahpa/alignment-losses';
import { type RouterKind, routerFactory, routers } from '@ahpa/dynamic-router';
import { section } from '@ahpa/options';
import type { RouterFactory } from '@ahpa/ports';
import { z } from 'zod';

/** A resolved `alignment`: its kind, and the options of that kind. */
export type AlignmentConfig = { readonly kind: string; readonly [option: string]: unknown };

/** A loss of the user's, from a JavaScript module; `models/alignment.ts` loads it. */
const ownModule = defineAlignment({
  kind: 'module',
  label: 'A loss of your own, from a JavaScript module.',
  options: section({
    module: z
      .string()
      .min(1)
      .describe(
        'Path of the module, from the folder of its configuration file, or name of an installed package.',
      ),
    weight: z.number().min(0).default(0.5).describe('Weight of the alignment loss in the total; REPA.'),
    groups,
    options: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Options of the module, as it defines them.'),
  }),
  targets: ({ groups }) => ({ groups }),
  weight: ({ weight }) => constantWeight(weight),
  create: () => {
    throw new Error('the alignment of a module is created once its module is loaded');
  },
});

const KINDS = [...Object.values(alignments), ownModule] as unknown as readonly AlignmentKind[];
const ROUTERS = Object.values(routers) as unknown as readonly RouterKind[];

/** The options of a kind under their discriminator. */
const member = ({ kind, label, options }: RouterKind | AlignmentKind, more: z.ZodRawShape = {}) =>
  section({ kind: z.literal(kind).describe(label), ...options.shape, ...more });

const union = (members: readonly z.ZodObject[]) =>
  z.discriminatedUnion('kind', members as unknown as [z.ZodObject, ...z.ZodObject[]]);

const router = union(ROUTERS.map((kind) => member(kind)))
  .prefault({ kind: 'learned' })
  .describe('Weights of the groups.');

/** Checks the value of `alignment`. */
export const alignment = union(
  KINDS.map((kind) => member(kind, kind.routed ? { router } : {})),
) as unknown as z.ZodType<AlignmentConfig>;

const byKind = <K extends { readonly kind: string }>(kinds: readonly K[], kind: string): K =>
  kinds.find((one) => one.kind === kind) as K;

/** The kind of a resolved `alignment`. */
export const alignmentKind = ({ kind }: AlignmentConfig): AlignmentKind => byKind(KINDS, kind);

/** The router of a resolved `alignment`, where its kind takes one. */
export function alignmentRouter(config: AlignmentConfig): RouterFactory | undefined {
  if (!alignmentKind(config).routed) return undefined;
  const { kind, ...options } = config['router'] as { readonly kind: string };
  return routerFactory(byKind(ROUTERS, kind), options);
}

/** Options of an alignment that do not fit each other or a model of `depth` blocks. */
export function alignmentProblems(config: AlignmentConfig, depth: number): readonly Problem[] {
  const router = alignmentRouter(config)?.traits;
  return alignmentKind(config).problems(config as never, { depth, ...(router && { router }) });
}
