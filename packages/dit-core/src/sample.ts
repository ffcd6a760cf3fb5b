/**
 * Samplers from noise (t = 1) to data (t = 0): Euler and Heun steps on the flow, and REPA's Euler-Maruyama on its
 * stochastic twin, all with classifier-free guidance inside an interval of t.
 */
import * as tf from '@tensorflow/tfjs-core';
import { coefficientsAt, type Path } from './interpolant.ts';

/** A velocity model, possibly a compiled graph: x [B, h, w, C], t [B], y int32 [B] -> a new tensor [B, h, w, C]. */
export type VelocityFn = (x: tf.Tensor4D, t: tf.Tensor1D, y: tf.Tensor1D) => tf.Tensor4D;

/** How to sample. */
export type SampleConfig = {
  readonly sampler: 'euler' | 'heun' | 'sde';
  /** Intervals of time; the published tables use 250 with 'sde'. */
  readonly steps: number;
  /** Classifier-free guidance weight; 1 is none. */
  readonly guidance: number;
  /** Guide only where low <= t <= high. */
  readonly guidanceInterval: readonly [low: number, high: number];
  readonly path: Path;
  /** Label of the unconditional half of a guided batch. */
  readonly nullClass: number;
};

/** What a sampler uses beside the model and the numbers of its configuration. */
export type SampleTools = {
  /** New standard normal numbers [B, h, w, C] of a step, as `sampleNoise` draws; the sampler 'sde' needs them. */
  readonly stepNoise?: (step: number) => tf.Tensor;
  /** Called after each step. */
  readonly onStep?: (done: number, total: number) => void;
};

// The stochastic sampler ends with one noiseless step from here.
const LAST_SDE_TIME = 0.04;

/** Times that the sampler visits, from 1 down to 0: steps + 1 numbers. */
export function sampleTimes(sampler: SampleConfig['sampler'], steps: number): readonly number[] {
  const even = (count: number, end: number): number[] =>
    Array.from({ length: count }, (_, i) =>
      i === count - 1 && i > 0 ? end : 1 + ((end - 1) * i) / (count - 1 || 1),
    );
  return sampler === 'sde' ? [...even(steps, LAST_SDE_TIME), 0] : even(steps + 1, 0);
}

/**
 * Draws latents: noise [B, h, w, C], y int32 [B] -> [B, h, w, C]. Eager; `velocity` is called once per step, twice
 * for Heun, with a batch of 2 B (conditional half first) where guidance is on. REPA's `samplers.py`.
 */
export function sample(
  velocity: VelocityFn,
  noise: tf.Tensor4D,
  y: tf.Tensor1D,
  config: SampleConfig,
  { stepNoise, onStep }: SampleTools = {},
): tf.Tensor4D {
  const { sampler, steps } = config;
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`sample: steps is ${steps}, wanted a positive integer; set config.steps.`);
  }
  const times = sampleTimes(sampler, steps);
  return tf.tidy(() => {
    let x = tf.clone(noise);
    for (let i = 0; i < steps; i++) {
      const [now, next] = [times[i] as number, times[i + 1] as number];
      const advanced = tf.tidy(() => {
        const model = (at: tf.Tensor4D, t: number): tf.Tensor4D => guided(velocity, at, t, now, y, config);
        if (sampler === 'sde') return sdeStep(model, x, now, next, () => noiseOf(stepNoise, i), config);
        return sampler === 'heun' ? heunStep(model, x, now, next) : eulerStep(model, x, now, next);
      });
      x.dispose();
      x = advanced;
      onStep?.(i + 1, steps);
    }
    return x;
  });
}

type Model = (x: tf.Tensor4D, t: number) => tf.Tensor4D;

function eulerStep(model: Model, x: tf.Tensor4D, now: number, next: number): tf.Tensor4D {
  return tf.add(x, tf.mul(model(x, now), next - now));
}

function heunStep(model: Model, x: tf.Tensor4D, now: number, next: number): tf.Tensor4D {
  const slope = model(x, now);
  const predicted: tf.Tensor4D = tf.add(x, tf.mul(slope, next - now));
  if (next === 0) return predicted;
  return tf.add(x, tf.mul(tf.add(slope, model(predicted, next)), (next - now) / 2));
}

/** Euler-Maruyama: drift v - w s / 2 with diffusion w = 2 t and score s = (r v - x) / (sigma^2 - r sigma' sigma), r = alpha / alpha'. */
function sdeStep(
  model: Model,
  x: tf.Tensor4D,
  now: number,
  next: number,
  draw: () => tf.Tensor,
  { path }: SampleConfig,
): tf.Tensor4D {
  const { alpha, sigma, dAlpha, dSigma } = coefficientsAt(path, now);
  const ratio = alpha / dAlpha;
  const half = now / (sigma * sigma - ratio * dSigma * sigma); // (w / 2) / denominator
  const drift = tf.add(tf.mul(model(x, now), 1 - half * ratio), tf.mul(x, half));
  const moved: tf.Tensor4D = tf.add(x, tf.mul(drift, next - now));
  if (next === 0) return moved;
  return tf.add(moved, tf.mul(draw(), Math.sqrt(2 * now * (now - next))));
}

function noiseOf(stepNoise: SampleTools['stepNoise'], step: number): tf.Tensor {
  if (stepNoise) return stepNoise(step);
  throw new Error("sample: the sampler 'sde' draws noise at every step; pass tools.stepNoise.");
}

/** The velocity at time t, guided when `now`, the start of the step, lies in the interval (REPA tests the same time for Heun's second call). */
function guided(
  velocity: VelocityFn,
  x: tf.Tensor4D,
  t: number,
  now: number,
  y: tf.Tensor1D,
  { guidance, guidanceInterval, nullClass }: SampleConfig,
): tf.Tensor4D {
  const batch = x.shape[0];
  const [low, high] = guidanceInterval;
  if (guidance <= 1 || now < low || now > high) return velocity(x, tf.fill([batch], t), y);
  const labels = tf.concat([y, tf.fill([batch], nullClass, 'int32') as tf.Tensor1D]);
  const both = velocity(tf.concat([x, x]), tf.fill([2 * batch], t), labels);
  const [conditional, unconditional] = tf.split(both, 2) as [tf.Tensor4D, tf.Tensor4D];
  return tf.add(unconditional, tf.mul(tf.sub(conditional, unconditional), guidance));
}
