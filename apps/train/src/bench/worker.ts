/** This program's side of a benchmark: takes steps when told to on standard input, as `bench/torch_step.py` does. */
import { createInterface } from 'node:readline';
import {
  activeBackend,
  compile,
  type DeviceState,
  deviceState,
  type Tree,
  useTensorFlow,
} from '@ahpa/libtensorflow';
import { disposeTree, flatten, initState, philox, type TrainState, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { type BuiltInAlignment, createAlignment } from '../variants/index.ts';
import { modelConfig, stepConfig, wire } from '../wiring.ts';
import { SHAPE, type StepSpec, specConfig, specGroups } from './spec.ts';

/** Answer to `step N` or `infer N`. */
export interface Timing {
  /** Wall time of each. */
  readonly seconds: readonly number[];
  /** Part of it outside TensorFlow's own execution. */
  readonly hostSeconds?: readonly number[];
  readonly value: number;
  readonly peakRss: number;
}

type State = TrainState<Tree, Tree> & Tree;

/** Counts the time inside TFE_Execute from now on. */
function executeClock(): { seconds: number } {
  const clock = { seconds: 0 };
  const api = activeBackend().eager.native.api as unknown as Record<string, (...args: unknown[]) => unknown>;
  const execute = api['TFE_Execute'] as (...args: unknown[]) => unknown;
  api['TFE_Execute'] = (...args) => {
    const begin = performance.now();
    const result = execute(...args);
    clock.seconds += (performance.now() - begin) / 1000;
    return result;
  };
  return clock;
}

function batchOf(spec: StepSpec): Tree {
  const shape: [number, number, number, number] = [
    spec.batch,
    SHAPE.latentSize,
    SHAPE.latentSize,
    SHAPE.latentChannels,
  ];
  const tokens = (SHAPE.latentSize / 2) ** 2;
  return {
    latent: { mean: tf.randomNormal(shape), std: tf.randomUniform(shape) },
    y: tf.randomUniform([spec.batch], 0, SHAPE.classes, 'int32'),
    targets: specGroups(spec).map(({ width }) => tf.randomNormal([spec.batch, tokens, width])),
  };
}

/** Builds the step and the network evaluation of a spec; each call returns a number read from the device. */
function build(spec: StepSpec): { parameters: number; step: () => number; infer: () => number } {
  const config = specConfig(spec);
  const model = modelConfig(config.model, SHAPE);
  const deps = wire(
    config,
    model,
    createAlignment(config.alignment as BuiltInAlignment, {
      hiddenSize: model.hiddenSize,
      groups: specGroups(spec),
    }),
  );
  const numbers = stepConfig(config, SHAPE.classes);
  const initial = initState(deps, philox(0), numbers) as unknown as State;
  const parameters = flatten(initial.params).reduce((sum, { size }) => sum + size, 0);
  const state = deviceState(initial) as DeviceState<State>;
  disposeTree(initial);
  const options = { precision: config.train.precision };
  const train = compile(
    (s: State, batch: Tree) => trainStep(deps, s as never, batch as never, numbers),
    options,
  );
  const network = compile((params: Tree, x: tf.Tensor, t: tf.Tensor, y: tf.Tensor) => {
    const { velocity } = deps.denoiser.apply(
      params as never,
      x as tf.Tensor4D,
      t as tf.Tensor1D,
      y as tf.Tensor1D,
    );
    return { mean: tf.mean(tf.cast(velocity, 'float32')), velocity };
  }, options);
  const batch = batchOf(spec);
  const { latent, y } = batch as unknown as { latent: { mean: tf.Tensor }; y: tf.Tensor };
  const weights = state.view((s) => (s.ema[0] as State['params']).denoiser);
  return {
    parameters,
    step: () =>
      tf.tidy(
        () => (train(state, batch).metrics as Record<string, tf.Tensor>)['loss']?.dataSync()[0] as number,
      ),
    infer: () =>
      tf.tidy(() => {
        const x = tf.concat([latent.mean, latent.mean]);
        const t = tf.randomUniform([2 * spec.batch]);
        return network(weights, x, t, tf.concat([y, y])).mean.dataSync()[0] as number;
      }),
  };
}

/** Serves one benchmark over standard input and output until `quit` or the end of input. */
export async function serve(spec: StepSpec): Promise<void> {
  await useTensorFlow();
  const clock = executeClock();
  const { parameters, step, infer } = build(spec);
  const answer = (document: unknown): void => void process.stdout.write(`${JSON.stringify(document)}\n`);
  answer({ ready: true, parameters });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, count] = line.split(' ');
    if (command === 'quit') break;
    const run = command === 'step' ? step : infer;
    const seconds: number[] = [];
    const hostSeconds: number[] = [];
    let value = Number.NaN;
    for (let i = 0; i < Number(count); i++) {
      clock.seconds = 0;
      const begin = performance.now();
      value = run();
      seconds.push((performance.now() - begin) / 1000);
      hostSeconds.push((seconds.at(-1) as number) - clock.seconds);
    }
    const timing: Timing = { seconds, hostSeconds, value, peakRss: process.resourceUsage().maxRSS * 1024 };
    answer(timing);
  }
}
