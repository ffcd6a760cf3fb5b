/** Trains a small AutoencoderKL on images and writes it in diffusers' layout; the same call again continues. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { rotate, saveCheckpoint } from '@ahpa/checkpoint';
import type { ImageSet } from '@ahpa/emoji-data';
import { type BackendName, createEngine, readTensors, restoreTree } from '@ahpa/engine';
import { splitByName } from '@ahpa/image-data';
import type { VaeTree } from '@ahpa/image-features';
import type { Progress } from '@ahpa/messages';
import { disposeTree, philox } from '@ahpa/ops';
import { batchIndices, run } from '@ahpa/trainer';
import { initVae, type VaeConfig } from '@ahpa/vae-hierarchy';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Reporter } from '../report.ts';
import { newestValid } from '../run/checkpoints.ts';
import { writeGrid } from '../visual/grid.ts';
import { duration, type ProgressFormat } from '../visual/progress-line.ts';
import { evaluateVae, pairsOf, reconstructor, type VaeQuality } from './evaluate.ts';
import { exportVae } from './export.ts';
import { imageBatch } from './images.ts';
import { initVaeState, type VaeTrainConfig, type VaeTrainState, vaeTrainStep } from './objective.ts';

/** What `trainVae` needs beside the images. */
export interface TrainVaeOptions {
  /** Folder for `config.json`, the weights, `reconstructions.png` and `checkpoints`. */
  readonly out: string;
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  readonly holdOut: number;
  readonly saveEvery: number;
  readonly backend?: BackendName;
  readonly precision: 'float32' | 'bfloat16';
  readonly vae: VaeConfig;
  readonly optim: VaeTrainConfig;
  /** Ends the run after the step in progress and saves. */
  readonly signal?: AbortSignal;
}

const REPORT_EVERY = 10;
const SHOWN = 32;

/** Trains until `steps`. Resolves to the steps done and the quality on held-out images. */
export async function trainVae(
  set: ImageSet,
  options: TrainVaeOptions,
  reporter: Reporter,
): Promise<VaeQuality & { readonly step: number }> {
  const { out, vae, optim, batch, seed, steps, backend = 'tensorflow', precision, signal } = options;
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
  const line = restartingLine(options, reporter);
  let quality: VaeQuality | undefined;
  const { step } = await run<VaeTrainState, Tensor4D>({
    stepper,
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
    onReport: (done, { error }) => line.update(done, error as number),
    tasks: [
      {
        every: options.saveEvery,
        atEnd: 'always',
        run: async (done) => {
          if (done === start.step) return;
          line.stop();
          quality = await save(done);
          reporter.say(`Step ${done}: ${quality.psnr.toFixed(2)} dB on held-out images.`);
        },
      },
    ],
  });
  quality ??= await save(step);
  for (const part of [ema, stepper]) part.dispose();
  return { step, ...quality };
}

/** A function that writes checkpoint, weights and reconstructions of a step, and measures it. */
function saver(
  { out, vae, optim }: TrainVaeOptions,
  set: ImageSet,
  heldOut: Uint32Array,
  state: () => VaeTrainState,
  reconstruct: ReturnType<typeof reconstructor>,
): (step: number) => Promise<VaeQuality> {
  const checkpoints = join(out, 'checkpoints');
  return async (step) => {
    await saveCheckpoint(checkpoints, step, await readTensors(state()), { vae, optim });
    await rotate(checkpoints, { keepLast: 2, keepEvery: 0 });
    const quality = evaluateVae(reconstruct, set, heldOut);
    await exportVae(out, state().ema, vae, quality.latentStd);
    const pairs = pairsOf(reconstruct, set, heldOut.subarray(0, SHOWN));
    await writeGrid(join(out, 'reconstructions.png'), pairs, 16);
    return quality;
  };
}

/** A progress line that starts again when it is updated after a stop. */
function restartingLine({ steps, batch }: TrainVaeOptions, reporter: Reporter): Progress<number> {
  let bar: Progress<number> | undefined;
  return {
    update: (step, error) => {
      bar ??= reporter.progress('training the VAE', steps, lineFormat(batch));
      bar.update(step, error);
    },
    stop: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}

const lineFormat =
  (batch: number): ProgressFormat<number> =>
  ({ value, total, perSecond, secondsLeft, payload }) =>
    [
      `${value}/${total}`,
      `${(perSecond * batch).toFixed(0)} img/s`,
      `${(-10 * Math.log10(payload / 4)).toFixed(2)} dB`,
      `ETA ${duration(secondsLeft)}`,
    ].join('  ');

async function startState(
  { out, vae, seed }: TrainVaeOptions,
  reporter: Reporter,
): Promise<{ readonly state: VaeTrainState; readonly step: number }> {
  const state = initVaeState(initVae(vae, philox(seed)) as VaeTree);
  const checkpoint = await newestValid(join(out, 'checkpoints'), reporter);
  if (checkpoint === undefined) return { state, step: 0 };
  const restored = restoreTree(state, checkpoint.tensors, checkpoint.path);
  disposeTree(state);
  reporter.say(`Continuing ${out} after step ${checkpoint.step}.`);
  return { state: restored, step: checkpoint.step };
}
