/**
 * Samplers from noise (t = 1) to data (t = 0): Euler, Heun and Dormand-Prince for the flow dx/dt = v, REPA's Euler-Maruyama
 * for the SDE of the same marginals; DDPM and DDIM for DiT's networks of noise; each with guidance inside an interval of t.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ddimStep, ddpmStep, diffusionSchedule } from './diffusion.ts';
import { dopri5 } from './dopri5.ts';
import { eulerStep, followSteps, heunStep, type SampleProgress, type Step, sdeStep } from './fixed-steps.ts';
import { guidedModel, type Model, type VelocityFn } from './guidance.ts';
import { assertSampleConfig, isDiffusion, type SampleConfig } from './sample-config.ts';
import { sampleTimes } from './time-grid.ts';

/** Optional inputs of a sampler: step noise, a weaker model, callbacks. */
export type SampleTools = {
  /** New standard normal numbers [B, h, w, C] of a step, as `sampleNoise` draws; the samplers 'sde' and 'ddpm' need them. */
  readonly stepNoise?: (step: number) => tf.Tensor;
  /** A weaker model: guidance leads away from its velocity instead of the null class's. */
  readonly weak?: VelocityFn;
  /** Called after each step. */
  readonly onStep?: (done: number, total: number) => void;
  /** Called at the end with the evaluations of the model along the path of each sample, guided ones counted once. */
  readonly onEvaluations?: (evaluations: readonly number[]) => void;
};

/**
 * Draws latents: noise [B, h, w, C], y int32 [B] -> [B, h, w, C]. Eager; `velocity` is called once per step, twice
 * for Heun, six times for dopri5, with a batch of 2 B (conditional half first) where guidance is on. A sample depends
 * on its own row of noise, label and step noise alone. For 'ddpm' and 'ddim', `velocity` gives what `predictNoise` gives.
 * REPA's `samplers.py`, DiT's `gaussian_diffusion.py`.
 * @throws RangeError where `config` or an input is impossible, Error where `sde` or `ddpm` has no `stepNoise`
 */
export function sample(
  velocity: VelocityFn,
  noise: tf.Tensor4D,
  y: tf.Tensor1D,
  config: SampleConfig,
  { onStep, ...tools }: SampleTools = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const steps = sampleSteps(velocity, noise, y, config, tools);
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value;
      onStep?.(next.value.done, next.value.total);
    }
  });
}

/**
 * `sample` one step at each call of `next`, so that the caller may do other work between steps; the latents are the generator's
 * result. Inputs must stay alive until then; `return` or `throw` ends it early and disposes what it holds.
 * @throws RangeError where `config` or an input is impossible, Error where `sde` or `ddpm` has no `stepNoise`
 */
export function* sampleSteps(
  velocity: VelocityFn,
  noise: tf.Tensor4D,
  y: tf.Tensor1D,
  config: SampleConfig,
  { stepNoise = noStepNoise, weak, onEvaluations }: Omit<SampleTools, 'onStep'> = {},
): Generator<SampleProgress, tf.Tensor4D> {
  assertSampleConfig(config);
  assertInputs(noise, y, config);
  const model = guidedModel(velocity, y, config, weak);
  if (config.sampler === 'dopri5') return yield* dopri5(model, noise, config, onEvaluations);
  const { times, step } = solver(model, config, stepNoise);
  const drawn = yield* followSteps(noise, times, step);
  const { sampler, steps } = config;
  onEvaluations?.(Array<number>(noise.shape[0]).fill(sampler === 'heun' ? 2 * steps - 1 : steps));
  return drawn;
}

/** Times and steps of a sampler with a fixed number of them. */
function solver(
  model: Model,
  config: Exclude<SampleConfig, { readonly sampler: 'dopri5' }>,
  stepNoise: (step: number) => tf.Tensor,
): { readonly times: readonly number[]; readonly step: Step } {
  if (isDiffusion(config)) {
    const schedule = diffusionSchedule(config.steps);
    const step = config.sampler === 'ddpm' ? ddpmStep(model, schedule, stepNoise) : ddimStep(model, schedule);
    return { times: [...schedule.map(({ t }) => t), 0], step };
  }
  const { sampler, steps, shift, path } = config;
  const step = {
    euler: () => eulerStep(model),
    heun: () => heunStep(model),
    sde: () => sdeStep(model, path, stepNoise),
  }[sampler]();
  return { times: sampleTimes(sampler, steps, shift, path), step };
}

function noStepNoise(): tf.Tensor {
  throw new Error("sample: the samplers 'sde' and 'ddpm' draw noise at every step; pass tools.stepNoise.");
}

function assertInputs(noise: tf.Tensor4D, y: tf.Tensor1D, { nullClass }: SampleConfig): void {
  if (noise.rank !== 4) {
    throw new RangeError(`sample: noise has shape [${noise.shape}], wanted [B, h, w, C]; add the axes.`);
  }
  if (y.dtype !== 'int32' || y.shape.join() !== String(noise.shape[0])) {
    throw new RangeError(
      `sample: y is ${y.dtype} [${y.shape}], wanted int32 [${noise.shape[0]}], a label for each row of noise.`,
    );
  }
  const wrong = y.dataSync().find((label) => label < 0 || label > nullClass);
  if (wrong !== undefined) {
    throw new RangeError(
      `sample: y holds class ${wrong}, wanted 0 to ${nullClass} (${nullClass} is the null class); correct the labels.`,
    );
  }
}
