/** Work between the steps of a run, counted in floating-point operations: sample grids, metrics and held-out losses. */
import { type DiTConfig, forwardFlops } from '@ahpa/dit-core';
import type { VaeConfig } from '@ahpa/vae-hierarchy';
import type { TrainConfig } from '../config/types.ts';
import { imageFlops, samplerFlops } from '../models/sampler-cost.ts';
import { BINS } from '../records/held-out-loss.ts';
import { type ClassTable, gridClasses } from '../sampling/choose-classes.ts';

/** One kind of such work. */
export interface Interlude {
  readonly name: 'sample grids' | 'metrics' | 'held-out losses';
  /** How often a run does it. */
  readonly times: number;
  /** Images drawn or measured each time. */
  readonly images: number;
  /** Operations of all times together. */
  readonly flops: number;
}

/** Configuration, network, decoder and classes of a run. */
export interface InterludeSetting extends ClassTable {
  readonly config: TrainConfig;
  readonly network: DiTConfig;
  readonly vae: VaeConfig;
  /** Side of an image in pixels. */
  readonly size: number;
}

/**
 * What a run does between its steps; the networks that score images are small beside those that draw them, and not counted.
 * @throws an error the user can fix where the configuration names a class that is not there
 */
export function interludes({ config, network, vae, size, ...table }: InterludeSetting): Interlude[] {
  const { train, sample, evaluate } = config;
  const drawing = imageFlops(samplerFlops(network, vae, size), sample);
  const measuring = BINS * forwardFlops(network).flops;
  const grid = train.sampleEvery === 0 ? 0 : gridClasses(sample, table).length * sample.perClass;
  const kinds = [
    ['sample grids', train.sampleEvery, grid, drawing],
    ['metrics', evaluate.every, evaluate.images, drawing],
    ['held-out losses', evaluate.lossEvery, evaluate.lossImages, measuring],
  ] as const;
  return kinds.flatMap(([name, every, images, flops]) => {
    if (every === 0) return [];
    const times = Math.ceil(train.steps / every);
    return [{ name, times, images, flops: times * images * flops }];
  });
}
