/** The parts of a training step that an alignment brings. */
import type { Alignment, AlignmentSpec, RouterFactory, Taps, WeightSchedule } from '@ahpa/ports';
import type { z } from 'zod';
import type { AlignmentKind } from './kind.ts';

/** An alignment, its weight over training, and the taps that the denoiser must have. */
export interface AlignmentParts {
  readonly alignment: Alignment;
  readonly weight: WeightSchedule;
  readonly taps: Taps;
}

/**
 * The parts of an alignment from its options; absent options get their defaults.
 * @throws ZodError for an unknown or impossible option
 * @throws RangeError where options, router and `spec` do not fit
 */
export function assembleAlignment<S extends z.ZodRawShape>(
  kind: AlignmentKind<S>,
  written: { readonly [option in keyof S]?: unknown },
  spec: AlignmentSpec,
  router?: RouterFactory,
): AlignmentParts {
  const options = kind.options.parse(written);
  return {
    alignment: kind.create(options, spec, router),
    weight: kind.weight(options),
    taps: kind.taps(options, spec.encoderDepth),
  };
}
