/** A training step of every loss variant on made-up features, small enough for the plain CPU backend. */
import { testValues } from '@ahpa/test-utils';
import {
  type Batch,
  initState,
  philox,
  type StepResult,
  type TrainConfig,
  type TrainDeps,
  type TrainState,
  type Tree,
  trainStep,
} from '@ahpa/trainer';
import { fromFloat32 } from '@ahpa/weight-files';
import { batchOf } from '../src/features/batch.ts';
import type { GroupTokens } from '../src/features/features.ts';
import { type BuiltInAlignment, createAlignment } from '../src/variants/index.ts';
import { targetSource } from '../src/variants/targets.ts';
import { type DataShape, modelConfig, stepConfig, wire } from '../src/wiring.ts';
import { TINY_VAE, tinyConfig } from './tiny.ts';

/** Every loss variant by name, and what makes it of the configuration `tiny`. */
export const VARIANTS: readonly (readonly [name: string, set: readonly string[]])[] = [
  ['none', ['alignment.kind=none']],
  ['ahpa', []],
  ['ahpa, fixed router', ['alignment.router={"kind":"fixed","schedule":"linear-handover"}']],
  ['ahpa, smooth L1, one group', ['alignment.distance=smooth-l1', 'alignment.groups={"all":["latent"]}']],
  ['sra2', ['alignment.kind=sra2', 'model.size.patchSize=2', 'alignment.head.hidden=16']],
];

const COUNT = 12;
const SHAPE: DataShape = { latentSize: 4, latentChannels: 4, classes: 9 };

/** The state of a toy run. */
export type ToyState = TrainState<Tree, Tree>;

/** A step function, its first state and its batches. */
export interface ToyRun {
  readonly deps: TrainDeps<Tree, Tree, Tree>;
  readonly config: TrainConfig;
  step(state: ToyState, batch: Batch<Tree> | readonly Batch<Tree>[]): StepResult<ToyState>;
  init(): ToyState;
  batch(step: number): Batch<Tree>;
}

/** The toy run of a variant. */
export function toyRun(set: readonly string[]): ToyRun {
  const config = tinyConfig('unused', [...set, 'optim.learningRate=0.001', 'optim.epsilon=0.01']);
  const model = modelConfig(config.model, SHAPE);
  const { groups, latent } = targetSource(config.alignment, TINY_VAE);
  const tokens = (SHAPE.latentSize / model.patchSize) ** 2;
  const features = groups.map(({ name }, g): GroupTokens => {
    const width = 6 + g;
    const values = testValues(COUNT * tokens * width, g);
    const { data } = fromFloat32(values, [values.length], 'F16');
    return { name, tokens, width, values: new Uint16Array(data.slice().buffer) };
  });
  const size = COUNT * SHAPE.latentSize ** 2 * SHAPE.latentChannels;
  const source = {
    features: {
      shape: [COUNT, SHAPE.latentSize, SHAPE.latentSize, SHAPE.latentChannels] as const,
      mean: Float32Array.from(testValues(size, 8)),
      std: Float32Array.from(testValues(size, 9), Math.abs),
      groups: features,
    },
    labels: Int32Array.from({ length: COUNT }, (_, i) => i % SHAPE.classes),
    latentPatch: latent ? model.patchSize : undefined,
  };
  const widths = latent ? [{ name: 'latent', width: SHAPE.latentChannels * model.patchSize ** 2 }] : features;
  const alignment = createAlignment(config.alignment as BuiltInAlignment, {
    hiddenSize: model.hiddenSize,
    groups: widths,
  });
  const deps = wire(config, model, alignment) as unknown as TrainDeps<Tree, Tree, Tree>;
  const numbers = stepConfig(config, SHAPE.classes);
  return {
    deps,
    config: numbers,
    step: (state, batch) => trainStep(deps, state, batch, numbers),
    init: () => initState(deps, philox(1), numbers),
    batch: (step) => batchOf(source, Uint32Array.of(step % COUNT, (step + 3) % COUNT, (step + 7) % COUNT)),
  };
}
