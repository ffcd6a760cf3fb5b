/** Shared types of the packages. Types only: the package is empty at run time. */
export type {
  Activations,
  Aligned,
  Alignment,
  AlignmentInputs,
  AlignmentSpec,
  FeatureGroup,
  Observations,
  Taps,
  WeightSchedule,
} from './alignment.ts';
export type { Batch, Denoised, Denoiser, Interpolant, Path } from './denoiser.ts';
export type { Optimizer } from './optimizer.ts';
export type { Rng } from './rng.ts';
export type {
  GroupWeights,
  Routed,
  Router,
  RouterContext,
  RouterFactory,
  RouterInputs,
  RouterTraits,
} from './router.ts';
export type { Stepper, StepResult } from './stepper.ts';
export type { LinearParams, Metrics, Sums, Tree } from './tree.ts';
