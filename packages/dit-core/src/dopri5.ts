/** Dormand and Prince's adaptive solver of order 5(4), with separate steps for each sample, so that none depends on its batch. */
import * as tf from '@tensorflow/tfjs-core';
import { ahead, column, norms, type Tolerances, tryStep } from './dormand-prince.ts';
import type { SampleProgress } from './fixed-steps.ts';
import type { Model } from './guidance.ts';

const [SAFETY, SMALLEST_FACTOR, LARGEST_FACTOR, ERROR_ORDER] = [0.9, 0.2, 10, 4];
/** Steps shorter than this are noise in float32. */
const SHORTEST_STEP = 1e-6;

/** First step lengths, one for each sample, from the size of x, its slope and the slope a little ahead (Hairer et al., II.4). */
function firstLengths(
  model: Model,
  x: tf.Tensor4D,
  slope: tf.Tensor4D,
  { rtol, atol }: Tolerances,
): number[] {
  const scale = tf.add(tf.mul(tf.abs(x), rtol), atol);
  const [d0, d1] = [norms(tf.div(x, scale)), norms(tf.div(slope, scale))];
  const trial = d0.map((d, i) =>
    Math.min(1, d < 1e-5 || (d1[i] as number) < 1e-5 ? 1e-6 : (0.01 * d) / (d1[i] as number)),
  );
  const later = model(
    ahead(x, [slope], [1], column(trial)),
    trial.map((h) => 1 - h),
  );
  const change = norms(tf.div(tf.sub(later, slope), scale));
  return trial.map((h, i) => {
    const steepest = Math.max(d1[i] as number, (change[i] as number) / h);
    const guess = steepest <= 1e-15 ? Math.max(1e-6, h * 1e-3) : (0.01 / steepest) ** (1 / (ERROR_ORDER + 1));
    return Math.min(100 * h, guess, 1);
  });
}

/** The next step length after an error relative to the tolerance; a step with an error below 1 is accepted. */
function nextLength(length: number, error: number, wasRejected: boolean): number {
  const ideal = error === 0 ? LARGEST_FACTOR : SAFETY * error ** (-1 / (ERROR_ORDER + 1));
  if (error < 1) return length * Math.min(wasRejected ? 1 : LARGEST_FACTOR, ideal);
  return length * Math.max(SMALLEST_FACTOR, Number.isNaN(ideal) ? 0 : ideal);
}

/** A sample on its path: time, length of its next step, whether its last one was rejected, evaluations of the model. */
type Walker = { t: number; length: number; rejected: boolean; calls: number };

type State = { readonly x: tf.Tensor4D; readonly slope: tf.Tensor4D };

/**
 * Follows dx/dt = v from t = 1 to 0, one step at each call of `next`: x [B, h, w, C] -> [B, h, w, C]. The progress is the slowest
 * sample's time in thousandths; `onEvaluations` is called at the end with the model evaluations of each sample. Step control as in
 * scipy's RK45. What it holds is disposed where it is ended early.
 */
export function* dopri5(
  model: Model,
  x: tf.Tensor4D,
  tolerances: Tolerances,
  onEvaluations: (evaluations: readonly number[]) => void = () => undefined,
): Generator<SampleProgress, tf.Tensor4D> {
  const samples = Array.from(
    { length: x.shape[0] },
    (): Walker => ({ t: 1, length: 0, rejected: false, calls: 2 }),
  );
  let state: State = tf.tidy(() => {
    const slope = model(x, Array<number>(x.shape[0]).fill(1));
    firstLengths(model, x, slope, tolerances).forEach((length, i) => {
      (samples[i] as Walker).length = length;
    });
    return { x: tf.clone(x), slope };
  });
  try {
    while (samples.some(({ t }) => t > 0)) {
      const next = tf.tidy(() => advance(model, state, samples, tolerances));
      tf.dispose(state);
      state = next;
      yield { done: Math.round(1000 * (1 - Math.max(...samples.map(({ t }) => t)))), total: 1000 };
    }
    onEvaluations(samples.map(({ calls }) => calls));
    return tf.clone(state.x);
  } finally {
    tf.dispose(state);
  }
}

/** One trial step of every sample that is not at the end; the samples are updated. */
function advance(
  model: Model,
  { x, slope }: State,
  samples: readonly Walker[],
  tolerances: Tolerances,
): State {
  const now = samples.map(({ t }) => t);
  const lengths = samples.map(({ t, length }) => Math.min(t, length));
  const trial = tryStep(model, x, slope, now, lengths, tolerances);
  const taken = samples.map((sample, i) => {
    if (sample.t === 0) return 0;
    const [length, error] = [lengths[i] as number, trial.error[i] as number];
    sample.calls += 6;
    sample.length = nextLength(length, error, sample.rejected);
    sample.rejected = !(error < 1);
    if (!sample.rejected) sample.t = length === sample.t ? 0 : sample.t - length;
    else assertLength(sample.length, sample.t, error, tolerances);
    return sample.rejected ? 0 : 1;
  });
  const mask = tf.cast(column(taken), 'bool');
  return { x: tf.where(mask, trial.x, x), slope: tf.where(mask, trial.slope, slope) };
}

function assertLength(length: number, t: number, error: number, { rtol, atol }: Tolerances): void {
  if (length >= SHORTEST_STEP || t <= SHORTEST_STEP) return;
  throw new RangeError(
    `sample: dopri5 at t ${t} has error ${error} times the tolerance in a step of ${length}, wanted below 1; raise rtol ${rtol} or atol ${atol}, or look for values that are not finite.`,
  );
}
