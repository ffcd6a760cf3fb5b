/**
 * Denoising loss of examples that are never trained on, in ten equal bins of t: cheap, and paired over runs and steps, since
 * every example gets the same posterior sample, noise and times each time.
 */

import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Model } from '@ahpa/engine';
import type { Dataset } from '@ahpa/image-features';
import type { Stretch } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { noiseLatents, type Task, type TrainDeps } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { BINS, type HeldOutLoss, lossPath, summarize, writeLoss } from '../records/held-out-loss.ts';
import type { TaskContext } from './context.ts';

const BATCH = 32;

/** The losses of a denoiser's weights, as a function to be called at any step. */
function heldOutLoss<P extends Tree>(
  { denoiser, interpolant }: Pick<TrainDeps<P>, 'denoiser' | 'interpolant'>,
  model: Model<P>,
  seed: number,
): (examples: Dataset, most: number, signal: AbortSignal, stretch: Stretch) => Promise<HeldOutLoss> {
  const rng = philox(seed);
  const losses = model.bind(
    (params: P, mean: tf.Tensor4D, std: tf.Tensor4D, y: tf.Tensor1D, place: tf.Tensor) => {
      const draw = (name: string) => rng.normal(mean.shape, `held-out/${name}`, place) as tf.Tensor4D;
      const offset = rng.uniform([BATCH], 'held-out/time', place);
      const t = tf.div(tf.add(tf.mod(place, BINS), offset), BINS) as tf.Tensor1D;
      const random = { posterior: draw('posterior'), noise: draw('noise'), t };
      const { xt, velocity: wanted } = noiseLatents(interpolant, { mean, std }, random);
      const { velocity } = denoiser.apply(params, xt, t, y);
      return { items: tf.mean(tf.square(tf.sub(velocity, wanted)), [1, 2, 3]) };
    },
  );
  return async (examples, most, signal, stretch) => {
    const n = Math.min(most, examples.count);
    const values = new Float32Array(n * BINS);
    for (let start = 0; start < n; start += BATCH) {
      const rows = Uint32Array.from({ length: BATCH }, (_, i) => Math.min(start + i, n - 1));
      const { latent, y, targets } = await stretch('A held-out batch', () => examples.batch(rows));
      for (let bin = 0; bin < BINS; bin++) {
        const place = tf.scalar((start / BATCH) * BINS + bin, 'int32');
        const found = await stretch('A held-out loss', async () => {
          const { items } = losses(latent.mean, latent.std, y, place);
          return items.data().finally(() => items.dispose());
        }).finally(() => place.dispose());
        for (let i = 0; start + i < n && i < BATCH; i++)
          values[(start + i) * BINS + bin] = found[i] as number;
        await setImmediate(); // signals arrive between batches
        if (signal.aborted) break;
      }
      tf.dispose([latent.mean, latent.std, y]);
      tf.dispose(targets as tf.TensorContainer);
      signal.throwIfAborted();
    }
    return { n, values };
  };
}

/** Keeps the losses of every `evaluate.lossEvery` steps and of the end, and reports their means. */
export function heldOut({ folder, meta, deps, ema, reporter, ...context }: TaskContext): Task[] {
  const { lossEvery: every, lossImages } = meta.config.evaluate;
  if (every === 0) return [];
  const loss = heldOutLoss(deps, ema, meta.config.train.seed);
  const measure = async (step: number): Promise<void> => {
    if (existsSync(lossPath(folder, step))) return;
    const stretch = context.stretchAt(step);
    const examples = await stretch('Opening the held-out examples', context.heldOut);
    const found = await loss(examples, lossImages, context.signal, stretch);
    await writeLoss(folder, step, found);
    const { mean, standardError } = summarize(found);
    reporter.say(
      `step ${step}: held-out loss ${mean.toFixed(4)} +- ${standardError.toFixed(4)} (${found.n} examples)`,
    );
  };
  return [{ every, atEnd: 'complete', run: measure }];
}
