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
import { batchOf } from '../src/features/batch.ts';
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
  const shapes = groups.map(({ name }, g) => ({ name, tokens, width: 6 + g }));
  const size = COUNT * SHAPE.latentSize ** 2 * SHAPE.latentChannels;
  const fields: Record<string, Float32Array | Int32Array> = {
    label: Int32Array.from({ length: COUNT }, (_, i) => i % SHAPE.classes),
    'latent.mean': Float32Array.from(testValues(size, 8)),
    'latent.std': Float32Array.from(testValues(size, 9), Math.abs),
  };
  shapes.forEach(({ name, width }, g) => {
    fields[`tokens.${name}`] = Float32Array.from(testValues(COUNT * tokens * width, g));
  });
  const records = {
    gather: (field: string, rows: ArrayLike<number>) => gatherRows(fields[field] as Float32Array, rows),
  };
  const batch = {
    latent: [SHAPE.latentSize, SHAPE.latentSize, SHAPE.latentChannels],
    groups: shapes,
    latentPatch: latent ? model.patchSize : undefined,
  } as const;
  const widths = latent ? [{ name: 'latent', width: SHAPE.latentChannels * model.patchSize ** 2 }] : shapes;
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
    batch: (step) =>
      batchOf(records, batch, Uint32Array.of(step % COUNT, (step + 3) % COUNT, (step + 7) % COUNT)),
  };
}

/** Items `rows` of `COUNT` that lie one after the other. */
function gatherRows(values: Float32Array | Int32Array, rows: ArrayLike<number>): Float32Array | Int32Array {
  const stride = values.length / COUNT;
  const items = Array.from(rows, (row) => Array.from(values.subarray(row * stride, (row + 1) * stride)));
  return values instanceof Int32Array ? Int32Array.from(items.flat()) : Float32Array.from(items.flat());
}
