/** AHPA with the router of `own-router.mjs`: a tiny transformer on smooth random latents, in plain JavaScript. */
import { parseArgs } from 'node:util';
import { ahpa, assembleAlignment, ROUTE_TIMES } from '@ahpa/alignment-losses';
import { alignmentShape, interpolant, sitDenoiser } from '@ahpa/dit-core';
import { createEngine } from '@ahpa/engine';
import { philox } from '@ahpa/ops';
import { initState, optimizer, run, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { peaks } from './own-router.mjs';

const { values: args } = parseArgs({
  options: { steps: { type: 'string', default: '200' }, backend: { type: 'string', default: 'cpu' } },
});
const STEPS = Number(args.steps);
const rng = philox(0);
const engine = await createEngine({ backend: args.backend });

// ---- A transformer on latents 4x4 of 2 channels: 4 tokens of 32 numbers ----

const sizes = { latentSize: 4, latentChannels: 2, patchSize: 2, hiddenSize: 32, depth: 2, heads: 2 };
const dit = { ...sizes, mlpRatio: 2, classes: 1, encoderDepths: [1] };

// ---- Data: a level for the whole image, and a pattern on it. The level is the coarse target, the pattern the fine one. ----

function batches(step, size = 16) {
  return tf.tidy(() => {
    const now = tf.scalar(step, 'int32');
    const level = tf.tile(rng.normal([size, 1, 1, 2], 'level', now), [1, 4, 4, 1]);
    const pattern = tf.mul(rng.normal([size, 4, 4, 2], 'pattern', now), 0.3);
    const mean = tf.add(level, pattern);
    const tokens = (map) => tf.reshape(tf.avgPool(map, 2, 2, 'valid'), [size, 4, 2]);
    const targets = [tokens(pattern), tokens(level)];
    return { latent: { mean, std: tf.zerosLike(mean) }, y: tf.zeros([size], 'int32'), targets };
  });
}

// ---- AHPA with a router of one's own: the last argument ----

const names = ['fine', 'coarse'];
const spec = {
  ...alignmentShape(dit),
  encoderDepth: 1,
  path: 'linear',
  seed: 0,
  groups: names.map((name) => ({ name, width: 2, tokens: 4 })),
};
const { taps, ...aligned } = assembleAlignment(
  ahpa,
  { head: { kind: 'mlp', hidden: 32, layers: 2 } },
  spec,
  peaks,
);
const deps = {
  denoiser: sitDenoiser(dit, taps),
  interpolant: interpolant('linear'),
  ...aligned,
  optimizer: optimizer(),
  rng,
};
const stepOptions = {
  time: { sampling: 'uniform' },
  labelDropout: 0,
  nullClass: 1,
  optim: { learningRate: 5e-3, maxGradNorm: 1 },
  ema: [],
};
const { stepper } = engine.training(
  (state, batch) => trainStep(deps, state, batch, stepOptions),
  initState(deps, rng, stepOptions.ema),
);
await run({
  stepper,
  batches: (step) => batches(step),
  from: 0,
  until: STEPS,
  reportEvery: Math.ceil(STEPS / 5),
  onReport(step, row) {
    const at = (time) => ROUTE_TIMES.indexOf(time) * names.length;
    const fine = [0, 0.5, 1].map((time) => row['alignment.route'][at(time)].toFixed(2));
    console.log(
      `step ${step}  loss ${row.loss.toFixed(3)}  weight of fine at t = 0, 0.5, 1: ${fine.join(', ')}`,
    );
  },
  tasks: [],
});
