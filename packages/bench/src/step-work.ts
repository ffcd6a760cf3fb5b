/** The training step and the network evaluation of a benchmark. */

import type { DiTParams } from '@ahpa/dit-core';
import { compile, type DeviceState, deviceState } from '@ahpa/libtensorflow';
import { disposeTree, flatten, philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { initState, type TrainDeps, type TrainState, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { STEP_OPTIONS, stepParts } from './step-parts.ts';
import { SHAPE, type StepSpec, specGroups } from './step-spec.ts';
import type { Work } from './work.ts';

type State = TrainState<Tree, Tree> & Tree;

function makeBatch(spec: StepSpec): Tree {
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

/** The step and the network evaluation of a spec. */
export function stepWork(spec: StepSpec): Work {
  const deps = stepParts(spec);
  const trained = once(() => {
    const initial = initState(deps, philox(0), STEP_OPTIONS.ema) as unknown as State;
    const state = deviceState(initial) as DeviceState<State>;
    disposeTree(initial);
    return state;
  });
  const weights = once(() => {
    const initial = deps.denoiser.init(philox(0));
    const state = deviceState(initial);
    disposeTree(initial);
    return state;
  });
  const options = { precision: spec.precision === 'f32' ? 'float32' : 'bfloat16' } as const;
  const train = compile(
    (s: State, batch: Tree) => trainStep(deps, s as never, batch as never, STEP_OPTIONS),
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
  const batch = makeBatch(spec);
  const { latent, y } = batch as unknown as { latent: { mean: tf.Tensor }; y: tf.Tensor };
  const kinds = {
    step: () =>
      tf.tidy(
        () => (train(trained(), batch).metrics as Record<string, tf.Tensor>)['loss']?.dataSync()[0] as number,
      ),
    infer: () =>
      tf.tidy(() => {
        const x = tf.concat([latent.mean, latent.mean]);
        const t = tf.randomUniform([2 * spec.batch]);
        return network(weights(), x, t, tf.concat([y, y])).mean.dataSync()[0] as number;
      }),
  };
  return { parameters: countParameters(deps), kinds };
}

/** The result of `make`, called on first use: a sampler holds no optimizer's state. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function countParameters({ denoiser, alignment }: TrainDeps<DiTParams>): number {
  const params = { denoiser: denoiser.init(philox(0)), alignment: alignment.init(philox(0)) };
  const count = flatten(params).reduce((sum, { size }) => sum + size, 0);
  disposeTree(params);
  return count;
}
