/** The parts that a training step is composed of. */
import type { Alignment, Denoiser, Interpolant, Optimizer, Rng, Tree, WeightSchedule } from '@ahpa/ports';

/** The ports together: `D` the denoiser's parameters, `A` the alignment's, `B` the targets of a batch. */
export interface TrainDeps<D extends Tree, A extends Tree = Tree, B extends Tree = Tree> {
  readonly denoiser: Denoiser<D>;
  readonly interpolant: Interpolant;
  readonly alignment: Alignment<A, B>;
  /** Weight of the alignment loss in the total. */
  readonly weight: WeightSchedule;
  readonly optimizer: Optimizer;
  readonly rng: Rng;
}
