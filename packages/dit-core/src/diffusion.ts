/**
 * DiT's diffusion: alpha_bar of 1,000 steps with linear betas, evenly chosen steps, and the steps of DDPM with a learned variance
 * (Nichol and Dhariwal 2021) and of DDIM with eta = 0. DiT's `gaussian_diffusion.py` and `respace.py`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { DIT_LAST_STEP } from './convention.ts';
import type { Step } from './fixed-steps.ts';
import type { Model } from './guidance.ts';

const STEPS = DIT_LAST_STEP + 1;
const [FIRST_BETA, LAST_BETA] = [0.0001, 0.02];

/** Coefficients of one step from a chosen step to the next lower one. */
interface StepCoefficients {
  /** The time of the step, step / 999. */
  readonly t: number;
  readonly alphaBar: number;
  /** alpha_bar of the next lower step; 1 below the first. */
  readonly below: number;
  readonly beta: number;
  /** Logarithm of the variance of q(x_below | x_t, x_0), at the first step that of the second. */
  readonly logVariance: number;
}

/** alpha_bar of every step. */
function alphaBars(): number[] {
  let product = 1;
  return Array.from({ length: STEPS }, (_, i) => {
    product *= 1 - (FIRST_BETA + ((LAST_BETA - FIRST_BETA) / DIT_LAST_STEP) * i);
    return product;
  });
}

/** The nearest whole number, the even one of two, as Python rounds. */
function roundEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** `count` of the 1,000 steps, evenly apart, ascending from 0. */
function chosenSteps(count: number): number[] {
  const stride = count === 1 ? 1 : DIT_LAST_STEP / (count - 1);
  let at = 0;
  return Array.from({ length: count }, () => {
    const step = roundEven(at);
    at += stride;
    return step;
  });
}

/** Coefficients of `count` steps from noise to data. */
export function diffusionSchedule(count: number): readonly StepCoefficients[] {
  const all = alphaBars();
  const steps = chosenSteps(count);
  const bars = steps.map((step) => all[step] as number);
  const variance = (i: number): number => {
    const [bar, below] = [bars[i] as number, bars[i - 1] ?? 1];
    return ((1 - bar / below) * (1 - below)) / (1 - bar);
  };
  const ascending = steps.map((step, i): StepCoefficients => {
    const [alphaBar, below] = [bars[i] as number, bars[i - 1] ?? 1];
    const logVariance = Math.log(variance(Math.max(i, 1)));
    return { t: step / DIT_LAST_STEP, alphaBar, below, beta: 1 - alphaBar / below, logVariance };
  });
  return ascending.reverse();
}

/** The noise that the network predicts, and the data that follow from it. */
function predicted(
  model: Model,
  x: tf.Tensor4D,
  { t, alphaBar }: StepCoefficients,
): { noise: tf.Tensor4D; x0: tf.Tensor4D; range: tf.Tensor4D | undefined } {
  const output = model(x, Array<number>(x.shape[0]).fill(t));
  const channels = x.shape[3];
  const [noise, range] =
    output.shape[3] === channels ? [output] : (tf.split(output, 2, 3) as [tf.Tensor4D, tf.Tensor4D]);
  const x0: tf.Tensor4D = tf.div(tf.sub(x, tf.mul(noise, Math.sqrt(1 - alphaBar))), Math.sqrt(alphaBar));
  return { noise, x0, range };
}

/**
 * x_below = mean of q(x_below | x_t, x_0) + sqrt(variance) `stepNoise`(index); the last step adds none. The logarithm of the variance
 * lies between those of the posterior and of beta, where the range of the network (-1 to 1) says.
 */
export function ddpmStep(
  model: Model,
  schedule: readonly StepCoefficients[],
  stepNoise: (step: number) => tf.Tensor,
): Step {
  return (x, _now, _next, index) => {
    const at = schedule[index] as StepCoefficients;
    const { alphaBar, below, beta, logVariance } = at;
    const { x0, range } = predicted(model, x, at);
    const mean: tf.Tensor4D = tf.add(
      tf.mul(x0, (beta * Math.sqrt(below)) / (1 - alphaBar)),
      tf.mul(x, ((1 - below) * Math.sqrt(1 - beta)) / (1 - alphaBar)),
    );
    if (index === schedule.length - 1) return mean;
    if (range === undefined)
      throw new RangeError(
        "sample: the network gives no variance, which 'ddpm' needs; choose the sampler 'ddim'.",
      );
    const share = tf.div(tf.add(range, 1), 2);
    const log = tf.add(tf.mul(share, Math.log(beta) - logVariance), logVariance);
    return tf.add(mean, tf.mul(tf.exp(tf.div(log, 2)), stepNoise(index)));
  };
}

/** x_below = sqrt(alpha_bar_below) x_0 + sqrt(1 - alpha_bar_below) noise. */
export function ddimStep(model: Model, schedule: readonly StepCoefficients[]): Step {
  return (x, _now, _next, index) => {
    const at = schedule[index] as StepCoefficients;
    const { noise, x0 } = predicted(model, x, at);
    return tf.add(tf.mul(x0, Math.sqrt(at.below)), tf.mul(noise, Math.sqrt(1 - at.below)));
  };
}
