/** Takes a few steps of a configuration on random numbers, in a process whose memory is only theirs. */

import { createEngine } from '@ahpa/engine';
import { disposeTree, philox } from '@ahpa/ops';
import type { Batch, FeatureGroup, Tree } from '@ahpa/ports';
import { initState, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { loadAlignment } from '../models/alignment.ts';
import { alignmentSpec, modelConfig } from '../models/shapes.ts';
import { type RunState, stepOptions, trainDeps } from '../models/wiring.ts';
import type { DataShape } from '../records/checkpoints.ts';

/** Configuration, sizes and targets of a trial. */
export interface TrialSpec {
  readonly config: TrainConfig;
  readonly shape: DataShape;
  /** The targets of every batch, in order. */
  readonly groups: readonly FeatureGroup[];
  /** Images of a step. */
  readonly batch: number;
}

/** Measured time and memory of a trial. */
export interface Trial {
  readonly batch: number;
  /** Of the fastest step after the first two. */
  readonly secondsPerStep: number;
  readonly peakBytes: number;
}

const STEPS = 5;
const LONGEST_SECONDS = 60;

/** Takes steps until there were enough or they took too long. */
export async function runTrial(spec: TrialSpec): Promise<Trial> {
  const { config, shape, groups } = spec;
  const engine = await createEngine(config.train);
  const model = modelConfig(config.model, shape);
  const alignment = await loadAlignment(config.alignment, alignmentSpec(config, model, groups));
  const deps = trainDeps(config, model, alignment);
  const numbers = stepOptions(config, shape.classes);
  const { stepper } = engine.training(
    (state: RunState, batch: Batch<Tree>) => trainStep(deps, state, batch, numbers),
    initState(deps, philox(0), numbers.ema),
  );
  const batch = randomBatch(spec);
  const seconds: number[] = [];
  for (let taken = 0, sum = 0; taken < STEPS && sum < LONGEST_SECONDS; taken++) {
    const begin = performance.now();
    const metrics = await stepper.step(batch);
    await (metrics['loss'] as tf.Tensor).data();
    disposeTree(metrics);
    seconds.push((performance.now() - begin) / 1000);
    sum += seconds.at(-1) as number;
  }
  disposeTree(batch);
  stepper.dispose();
  const counted = seconds.length > 2 ? seconds.slice(2) : seconds.slice(-1);
  return {
    batch: spec.batch,
    secondsPerStep: Math.min(...counted),
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function randomBatch({ shape, groups, batch }: TrialSpec): Batch<Tree> {
  const { latentSize, latentChannels, classes } = shape;
  const size: [number, number, number, number] = [batch, latentSize, latentSize, latentChannels];
  return {
    latent: {
      mean: tf.randomNormal(size) as tf.Tensor4D,
      std: tf.randomUniform(size, 0, 0.1) as tf.Tensor4D,
    },
    y: tf.randomUniform([batch], 0, classes, 'int32') as tf.Tensor1D,
    targets: groups.map(({ tokens, width }) => tf.randomNormal([batch, tokens, width])),
  };
}
