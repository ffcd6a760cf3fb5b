/** The ports together. */
import type { Denoiser, Interpolant, Rng, Tree } from '@ahpa/ports';
import type { Alignment } from './alignment.ts';

/** What a training step is wired from. */
export interface TrainDeps<D extends Tree, A extends Tree, T extends Tree> {
  readonly denoiser: Denoiser<D>;
  readonly interpolant: Interpolant;
  readonly alignment: Alignment<A, T>;
  readonly rng: Rng;
}
