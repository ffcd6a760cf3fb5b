/** An alignment kind: options, taps, targets and constructor. */
import type {
  Alignment,
  AlignmentSpec,
  RouterFactory,
  RouterTraits,
  Taps,
  WeightSchedule,
} from '@ahpa/ports';
import type { z } from 'zod';

/** Features that an alignment compares tokens with. */
export interface TargetRequest {
  /**
   * Groups of taps of the VAE's encoder by name, finest first. Of the VAE at hand: `default`, its fine, mid and coarse maps;
   * `deepest` in place of taps, the last map before its latent.
   */
  readonly groups: 'default' | Readonly<Record<string, readonly string[] | 'deepest'>>;
  /** A file of a teacher's features, in place of groups. */
  readonly file?: string;
}

/** An option that does not fit the others: its path, and the requirement. */
export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** Limits that options are checked against, as far as they are known. */
export interface Limits {
  /** Blocks of the model. */
  readonly depth: number;
  readonly router?: RouterTraits;
}

/** An alignment by name. `S` is the shape of its options, the name itself not included. */
export interface AlignmentKind<S extends z.ZodRawShape = z.ZodRawShape> {
  readonly kind: string;
  /** Meaning and source in a phrase. */
  readonly label: string;
  /** A reservation that a model trained with it should state. */
  readonly caveat?: string;
  /** Meaning, bounds, default and source of every option. */
  readonly options: z.ZodObject<S, z.core.$strict>;
  /** Whether `create` takes a router. */
  readonly routed: boolean;
  taps(options: z.output<z.ZodObject<S>>, encoderDepth: number): Taps;
  targets(options: z.output<z.ZodObject<S>>): TargetRequest;
  problems(options: z.output<z.ZodObject<S>>, limits: Limits): readonly Problem[];
  weight(options: z.output<z.ZodObject<S>>): WeightSchedule;
  /**
   * The alignment for a network and its data; `targets` of batches are one `[B, T, width]` for each group of `spec`.
   * @throws RangeError where options and `spec` do not fit
   */
  create(options: z.output<z.ZodObject<S>>, spec: AlignmentSpec, router?: RouterFactory): Alignment;
}

type Defaults = 'routed' | 'taps' | 'targets' | 'problems';

/** An alignment kind; defaults: one tap at `encoderDepth`, no router, no features. */
export function defineAlignment<S extends z.ZodRawShape>(
  kind: Omit<AlignmentKind<S>, Defaults> & Partial<Pick<AlignmentKind<S>, Defaults>>,
): AlignmentKind<S> {
  return {
    routed: false,
    taps: (_, encoderDepth) => ({ depths: [encoderDepth], attention: [] }),
    targets: () => ({ groups: {} }),
    problems: () => [],
    ...kind,
  };
}

/** Distinct numbers, ascending. */
export const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

/** The blocks, counted from 1, that a model of `depth` blocks does not have, as problems of the option at `path`. */
export const beyondDepth = (path: readonly string[], blocks: readonly number[], depth: number): Problem[] =>
  blocks
    .filter((block) => block > depth)
    .map((block) => ({ path, message: `wanted at most the model's depth, ${depth}, got ${block}` }));
