/** A training step of every loss variant on made-up features, small enough for the plain CPU backend. */

import type { AlignmentParts } from '@ahpa/alignment-losses';
import { recordBatch } from '@ahpa/image-features';
import { philox } from '@ahpa/ops';
import type { AlignmentSpec, Batch, StepResult, Tree } from '@ahpa/ports';
import { TINY_VAE } from '@ahpa/test-fixtures';
import { testValues } from '@ahpa/test-utils';
import { initState, type StepOptions, type TrainDeps, type TrainState, trainStep } from '@ahpa/trainer';
import { type AlignmentConfig, alignmentKind, alignmentRouter } from '../src/config/alignment.ts';
import { targetSource } from '../src/models/alignment.ts';
import { alignmentSpec, modelConfig } from '../src/models/shapes.ts';
import { stepOptions, trainDeps } from '../src/models/wiring.ts';
import type { DataShape } from '../src/records/checkpoints.ts';
import { tinyConfig } from './tiny.ts';

type Variant = readonly [name: string, set: readonly string[]];

const ahpa = (name: string, ...set: string[]): Variant => [`ahpa, ${name}`, set];
const router = (value: object): string => `alignment.router=${JSON.stringify(value)}`;
const learned = (value: object): string =>
  router({ kind: 'learned', frequencies: 16, hiddenSize: 16, ...value });
const schedule = (value: object): string => `alignment.schedule=${JSON.stringify(value)}`;
const head = (value: object): string => `alignment.head=${JSON.stringify(value)}`;
const kind = (name: string, ...set: string[]): Variant => [name, [`alignment.kind=${name}`, ...set]];

/** The kinds of alignment, by name, and what makes them of the configuration `tiny`. */
export const KINDS: readonly Variant[] = [
  kind('none'),
  ['ahpa', []],
  ahpa('fixed router', router({ kind: 'fixed', schedule: 'linear-handover' })),
  ahpa('smooth L1, one group', 'alignment.distance=smooth-l1', 'alignment.groups={"all":["latent"]}'),
  kind('repa', 'alignment.head.hidden=16'),
  kind('irepa'),
  kind('sra', 'alignment.head.hidden=16', 'alignment.teacherDepth=2'),
  kind('sra2', 'model.size.patchSize=2', 'alignment.head.hidden=16'),
  kind('haste', 'alignment.head.hidden=16', 'alignment.attention.blocks=[0,1]'),
];

/** Everything else that a configuration can say of AHPA, several things at once. */
export const OPTIONS: readonly Variant[] = [
  ahpa(
    'entropy, cosine weight',
    learned({ entropy: 0.1 }),
    schedule({ kind: 'cosine', start: 10, steps: 40 }),
  ),
  ahpa(
    'mutual information, remembered shares, stop step',
    learned({ mutualInformation: 0.1, balanceDecay: 0.9 }),
    schedule({ kind: 'step', at: 30 }),
  ),
  ahpa(
    'normalized, release',
    learned({ train: 'normalized' }),
    schedule({ kind: 'release', warmup: 20, fast: 0.5, slow: 0.9, ramp: 10, latest: 50 }),
  ),
  ahpa(
    'uncertainty, criterion',
    learned({ train: 'uncertainty' }),
    schedule({ kind: 'criterion', warmup: 10, decay: 0.9, below: 0.9, ramp: 5 }),
  ),
  ahpa(
    'gradient cosine, exponential weight',
    learned({ train: 'gradcos' }),
    schedule({ kind: 'exponential', start: 10, steps: 100 }),
  ),
  ahpa(
    'log-SNR, cooling, two at most, shared head',
    learned({ condition: 'log-snr', topK: 2, temperature: { from: 5, to: 0.5, steps: 40 } }),
    head({ kind: 'shared', hidden: 16 }),
  ),
  ahpa('Fourier, of tokens', learned({ condition: 'fourier', per: 'token' })),
  ahpa('analytic, convolutions', router({ kind: 'measured', train: 'analytic' }), head({ kind: 'conv' })),
  ahpa(
    'gap, shuffled, relations, spatial norm',
    router({ kind: 'measured', train: 'gap', time: 'shuffled' }),
    'alignment.distance=relation',
    'alignment.targetNorm=spatial',
  ),
  ahpa(
    'one-hot, contrast, channel norm',
    router({ kind: 'one-hot', group: 'mid' }),
    'alignment.distance=nt-xent',
    'alignment.targetNorm=channel',
  ),
  ahpa(
    'sigmoid, reversed, depths, linear heads',
    router({ kind: 'sigmoid', time: 'reversed' }),
    head({ kind: 'linear' }),
    'alignment.depths={"fine":[1,2],"mid":[2]}',
  ),
  ahpa(
    'table, l1',
    router({ kind: 'table', weights: { fine: [1, 0], mid: [1, 1], coarse: [0, 3] } }),
    'alignment.distance=l1',
  ),
  ahpa('target mix, residual tokens', 'alignment.mix=target', 'alignment.residual=token'),
  ahpa(
    'gates, residual samples, l2',
    'alignment.mix=gate',
    'alignment.residual=sample',
    'alignment.distance=l2',
  ),
];

const COUNT = 12;
const SHAPE: DataShape = { latentSize: 4, latentChannels: 4, classes: 9 };

/** The state of a toy run. */
export type ToyState = TrainState<Tree, Tree>;

/** A step function, its first state and its batches. */
export interface ToyRun {
  readonly deps: TrainDeps<Tree, Tree, Tree>;
  readonly options: StepOptions;
  step(state: ToyState, batch: Batch<Tree> | readonly Batch<Tree>[]): StepResult<ToyState>;
  init(): ToyState;
  batch(step: number): Batch<Tree>;
}

/** The alignment of a configuration, created at once as no module is loaded. */
function createParts(config: AlignmentConfig, spec: AlignmentSpec): AlignmentParts {
  const kind = alignmentKind(config);
  return {
    alignment: kind.create(config as never, spec, alignmentRouter(config)),
    weight: kind.weight(config as never),
    taps: kind.taps(config as never, spec.encoderDepth),
  };
}

/** The toy run of a variant. */
export function toyRun(set: readonly string[]): ToyRun {
  const config = tinyConfig('unused', [...set, 'optim.learningRate=0.001', 'optim.epsilon=0.01']);
  const model = modelConfig(config.model, SHAPE);
  const { groups } = targetSource(config.alignment, TINY_VAE);
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
  } as const;
  const parts = createParts(config.alignment, alignmentSpec(config, model, shapes));
  const deps = trainDeps(config, model, parts) as unknown as TrainDeps<Tree, Tree, Tree>;
  const options = stepOptions(config, SHAPE.classes);
  return {
    deps,
    options,
    step: (state, batch) => trainStep(deps, state, batch, options),
    init: () => initState(deps, philox(1), options.ema),
    batch: (step) =>
      recordBatch(records, batch, Uint32Array.of(step % COUNT, (step + 3) % COUNT, (step + 7) % COUNT)),
  };
}

/** Items `rows` of `COUNT` that lie one after the other. */
function gatherRows(values: Float32Array | Int32Array, rows: ArrayLike<number>): Float32Array | Int32Array {
  const stride = values.length / COUNT;
  const items = Array.from(rows, (row) => Array.from(values.subarray(row * stride, (row + 1) * stride)));
  return values instanceof Int32Array ? Int32Array.from(items.flat()) : Float32Array.from(items.flat());
}
