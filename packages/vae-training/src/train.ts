/** Training of a small AutoencoderKL on images, written in diffusers' layout; the same call again continues. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { findLatest, rotate, saveCheckpoint } from '@ahpa/checkpoint';
import type { ImageSet } from '@ahpa/emoji-data';
import { type BackendName, createEngine, readTensors, restoreTree } from '@ahpa/engine';
import { splitByName } from '@ahpa/image-data';
import { type Reporter, type Stretch, silent, unwatched } from '@ahpa/messages';
import { disposeTree, philox } from '@ahpa/ops';
import { batchIndices, run, type Task } from '@ahpa/trainer';
import { initVae, type VaeConfig } from '@ahpa/vae-hierarchy';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import {
  evaluateVae,
  type ImagePairs,
  pairWithReconstruction,
  reconstructor,
  type VaeQuality,
} from './evaluate.ts';
import { exportVae } from './export.ts';
import { imageBatch } from './images.ts';
import { initVaeState, type VaeTrainConfig, type VaeTrainState, vaeTrainStep } from './step.ts';

/** Options of a training run. */
export interface TrainVaeOptions {
  /** Folder for `config.json`, the weights and `checkpoints`. */
  readonly out: string;
  readonly steps: number;
  /** Images a step. */
  readonly batch: number;
  readonly seed: number;
  /** Share of the images held out, by the hashes of their codes. */
  readonly holdOut: number;
  /** Steps between saves. */
  readonly saveEvery: number;
  readonly backend?: BackendName;
  readonly precision: 'float32' | 'bfloat16';
  readonly vae: VaeConfig;
  readonly optim: VaeTrainConfig;
  /** Ends the run after the step in progress and saves. */
  readonly signal?: AbortSignal;
  /** Announces each step. */
  readonly stretch?: Stretch;
  /** Called every ten steps with the mean squared error of the last of them. */
  readonly onProgress?: (step: number, error: number) => void;
  /** Called on every save with up to 32 held-out images, each beside its reconstruction. */
  readonly onPairs?: (pairs: ImagePairs) => void | Promise<void>;
}

const REPORT_EVERY = 10;
const SHOWN = 32;

/** Trains until `steps` or an abort. Resolves to the steps done and, where it was not ended early, the quality on held-out images. */
export async function trainVae(
  set: ImageSet,
  options: TrainVaeOptions,
  reporter: Pick<Reporter, 'say' | 'warn'> = silent,
): Promise<Partial<VaeQuality> & { readonly step: number }> {
  const { out, vae, optim, batch, seed, steps, backend = 'tensorflow', precision, signal } = options;
  const { stretch = unwatched } = options;
  await mkdir(out, { recursive: true });
  const engine = await createEngine({ backend, precision, wideOperations: true });
  const rng = philox(seed);
  const rows = splitByName(set.codes, options.holdOut);
  const start = await startState(options, reporter);
  const { stepper, model } = engine.training((state: VaeTrainState, x: Tensor4D) => {
    const { state: next, ...metrics } = vaeTrainStep(state, x, vae, optim, rng);
    return { state: next, metrics };
  }, start.state);
  const ema = model((state) => state.ema);
  const save = saver(options, set, rows.heldOut, () => stepper.state(), reconstructor(ema, vae));
  let quality: VaeQuality | undefined;
  const saving: Task = {
    every: options.saveEvery,
    atEnd: 'always',
    run: async (done) => {
      if (done === start.step) return;
      quality = await save(done);
      if (quality === undefined) return;
      reporter.say(`Step ${done}: ${quality.psnr.toFixed(2)} dB on held-out images.`);
    },
  };
  const { step, aborted } = await run<VaeTrainState, Tensor4D>({
    stepper: { ...stepper, step: (x) => stretch('A training step', () => stepper.step(x)) },
    from: start.step,
    until: steps,
    ...(signal ? { signal } : {}),
    batches: async (done) => {
      await setImmediate();
      const picked = batchIndices(seed, done, batch, rows.train.length);
      return imageBatch(
        set,
        Uint32Array.from(picked, (i) => rows.train[i] as number),
      );
    },
    reportEvery: REPORT_EVERY,
    onReport: (done, { error }) => options.onProgress?.(done, error as number),
    tasks: [saving],
  });
  if (!aborted) quality ??= await save(step);
  for (const part of [ema, stepper]) part.dispose();
  return aborted ? { step } : { step, ...quality };
}

/** A function that writes checkpoint, weights and reconstructions of a step, and measures it; after an abort the checkpoint alone. */
function saver(
  { out, vae, optim, onPairs, signal, stretch = unwatched }: TrainVaeOptions,
  set: ImageSet,
  heldOut: Uint32Array,
  state: () => VaeTrainState,
  reconstruct: ReturnType<typeof reconstructor>,
): (step: number) => Promise<VaeQuality | undefined> {
  const checkpoints = join(out, 'checkpoints');
  return async (step) => {
    await saveCheckpoint(checkpoints, step, await readTensors(state()), { vae, optim });
    await rotate(checkpoints, { keepLast: 2, keepEvery: 0 });
    if (signal?.aborted) return undefined;
    const quality = await stretch('Measuring the VAE', () => evaluateVae(reconstruct, set, heldOut));
    await exportVae(out, state().ema, vae, quality.latentStd);
    const shown = heldOut.subarray(0, SHOWN);
    if (onPairs)
      await onPairs(await stretch('Reconstructions', () => pairWithReconstruction(reconstruct, set, shown)));
    return quality;
  };
}

async function startState(
  { out, vae, seed }: TrainVaeOptions,
  reporter: Pick<Reporter, 'say' | 'warn'>,
): Promise<{ readonly state: VaeTrainState; readonly step: number }> {
  const state = initVaeState(initVae(vae, philox(seed)));
  const checkpoint = await findLatest(join(out, 'checkpoints'), reporter);
  if (checkpoint === undefined) return { state, step: 0 };
  const restored = restoreTree(state, checkpoint.tensors, checkpoint.path);
  disposeTree(state);
  reporter.say(`Continuing ${out} after step ${checkpoint.step}.`);
  return { state: restored, step: checkpoint.step };
}
