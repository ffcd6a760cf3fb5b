/** A tiny transformer trained with an optimizer and a weight schedule of one's own, beside the SRA2 alignment. */
import { parseArgs } from 'node:util';
import { assembleAlignment, sra2 } from '@ahpa/alignment-losses';
import { alignmentShape, interpolant, sitDenoiser } from '@ahpa/dit-core';
import { createEngine } from '@ahpa/engine';
import { philox } from '@ahpa/ops';
import { initState, run, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { lineDown, lion } from './lion.mjs';

const { values: args } = parseArgs({
  options: { steps: { type: 'string', default: '200' }, backend: { type: 'string', default: 'cpu' } },
});
const STEPS = Number(args.steps);
const rng = philox(0);
const engine = await createEngine({ backend: args.backend });

const sizes = { latentSize: 4, latentChannels: 2, patchSize: 2, hiddenSize: 32, depth: 2, heads: 2 };
const dit = { ...sizes, mlpRatio: 2, classes: 1, encoderDepths: [1] };
const spec = {
  ...alignmentShape(dit),
  encoderDepth: 1,
  path: 'linear',
  seed: 0,
  groups: [], // SRA2 follows the latent itself
};
const { alignment, taps } = assembleAlignment(sra2, { head: { kind: 'mlp', hidden: 32, layers: 2 } }, spec);
const deps = {
  denoiser: sitDenoiser(dit, taps),
  interpolant: interpolant(spec.path),
  alignment,
  weight: lineDown(1, STEPS / 2, STEPS),
  optimizer: lion({ weightDecay: 0.1 }),
  rng,
};
const stepOptions = {
  time: { sampling: 'uniform' },
  labelDropout: 0,
  nullClass: 1,
  optim: { learningRate: 5e-4, maxGradNorm: 1 },
  ema: [],
};
const { stepper } = engine.training(
  (state, batch) => trainStep(deps, state, batch, stepOptions),
  initState(deps, rng, stepOptions.ema),
);
await run({
  stepper,
  batches: (step) =>
    tf.tidy(() => {
      const level = rng.normal([16, 1, 1, 2], 'level', tf.scalar(step, 'int32'));
      const mean = tf.tile(level, [1, 4, 4, 1]);
      return { latent: { mean, std: tf.zerosLike(mean) }, y: tf.zeros([16], 'int32'), targets: [] };
    }),
  from: 0,
  until: STEPS,
  reportEvery: Math.ceil(STEPS / 5),
  onReport(step, row) {
    const [denoising, alignment] = [row.denoisingLoss.toFixed(3), row.alignmentLoss.toFixed(3)];
    console.log(`step ${step}  denoising ${denoising}  alignment ${alignment}  total ${row.loss.toFixed(3)}`);
  },
  tasks: [],
});
