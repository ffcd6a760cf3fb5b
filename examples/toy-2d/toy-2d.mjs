/** AHPA on points of the plane: a pattern at two scales, a small network, a learned router of the time, and a picture. */
import { parseArgs } from 'node:util';
import { ahpa, ROUTE_TIMES } from '@ahpa/alignment-losses';
import { interpolant, sample } from '@ahpa/dit-core';
import { learned, routerFactory } from '@ahpa/dynamic-router';
import { createEngine } from '@ahpa/engine';
import { linear, philox, silu } from '@ahpa/ops';
import { initState, optimizer, run, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { writePicture } from './picture.mjs';

const { values: args } = parseArgs({
  options: {
    steps: { type: 'string', default: '4000' },
    points: { type: 'string', default: '6000' },
    backend: { type: 'string', default: 'tensorflow' }, // or wasm, cpu
    out: { type: 'string', default: 'toy-2d.png' },
  },
});
const [STEPS, POINTS, BATCH, WIDTH] = [Number(args.steps), Number(args.points), 512, 128];
const rng = philox(0);
const engine = await createEngine({ backend: args.backend });

// ---- Data: pentagons of blobs, on a pentagon. The two directions that add up to a blob's centre are its features. ----

const GROUPS = ['fine', 'coarse'];
const RADII = [0.4, 1];
const BLUR = 0.06;

/** Points of the pattern as a batch of 1x1 latents of two channels; the targets are the directions, one token [B, 1, 2] each. */
function points(step, size = BATCH) {
  return tf.tidy(() => {
    const corners = tf.floor(tf.mul(rng.uniform([size, 2], 'data', tf.scalar(step, 'int32')), 5));
    const angles = tf.mul(corners, (2 * Math.PI) / 5);
    const targets = tf.split(tf.stack([tf.sin(angles), tf.cos(angles)], 2), 2, 1);
    const [fine, coarse] = targets.map((direction, g) => tf.mul(direction, RADII[g]));
    const mean = tf.reshape(tf.add(fine, coarse), [size, 1, 1, 2]);
    return { latent: { mean, std: tf.fill(mean.shape, BLUR) }, y: tf.zeros([size], 'int32'), targets };
  });
}

// ---- Denoiser: five linear layers on sinusoids of position and time. The output of the second one is its hidden token. ----

const waves = (x, frequencies) => {
  const angles = tf.reshape(tf.mul(tf.expandDims(x, 2), frequencies), [x.shape[0], -1]);
  return tf.concat([tf.sin(angles), tf.cos(angles)], 1);
};

const denoiser = {
  init(normals) {
    const widths = [28, WIDTH, WIDTH, WIDTH, WIDTH, 2];
    return widths.slice(1).map((out, i) => ({
      weight: tf.mul(normals.normal([out, widths[i]], `init/layers.${i}`), Math.sqrt(1.5 / widths[i])),
      bias: tf.zeros([out]),
    }));
  },
  apply(layers, xt, t, _y, tap = (hidden) => hidden) {
    const position = tf.reshape(xt, [-1, 2]);
    const time = tf.expandDims(t, 1);
    let x = tf.concat([position, waves(position, [1, 2, 4, 8]), waves(time, [1, 2, 4, 8, 16])], 1);
    for (const layer of layers.slice(0, 2)) x = silu(linear(x, layer));
    const hidden = tap(tf.expandDims(x, 1), 0); // [B, 1, WIDTH]
    x = tf.squeeze(hidden, [1]);
    for (const layer of layers.slice(2, 4)) x = silu(linear(x, layer));
    return { velocity: tf.reshape(linear(x, layers[4]), xt.shape), hidden: [hidden] };
  },
};

// ---- AHPA: a head for each group, and a router that weighs the groups at every time. With a reward for even weights it goes to
//      softmax(-distance / 0.2): the group that the network can tell at that time, and not one group for all times. ----

const options = ahpa.options.parse({ weight: 0.5, head: { kind: 'mlp', hidden: 64, layers: 2 } });
const router = learned.options.parse({ frequencies: 32, hiddenSize: 64, entropy: 0.2 });
const spec = {
  hiddenSize: WIDTH,
  tokens: 1,
  patchSize: 1,
  latentWidth: 2,
  encoderDepth: 1,
  path: 'linear',
  seed: 0,
  groups: GROUPS.map((name) => ({ name, width: 2, tokens: 1 })),
};

// ---- Training ----

const deps = {
  denoiser,
  interpolant: interpolant('linear'),
  alignment: ahpa.create(options, spec, routerFactory(learned, router)),
  weight: ahpa.weight(options),
  optimizer: optimizer(),
  rng,
};
const stepOptions = {
  time: { sampling: 'logit-normal', mean: -0.7 },
  labelDropout: 0,
  nullClass: 0,
  optim: { learningRate: 2e-3, maxGradNorm: 1, schedule: { kind: 'cosine', until: STEPS, final: 0 } },
  ema: [{ decay: 0.998 }],
};
const { stepper, model } = engine.training(
  (state, batch) => trainStep(deps, state, batch, stepOptions),
  initState(deps, rng, stepOptions.ema),
);
let route = []; // the router's weights at ROUTE_TIMES, as of the last report
await run({
  stepper,
  batches: (step) => points(step),
  from: 0,
  until: STEPS,
  reportEvery: Math.ceil(STEPS / 8),
  onReport(step, row) {
    const distances = GROUPS.map((name) => `${name} ${row[`alignment.group.${name}`].toFixed(3)}`);
    console.log(`step ${step}  denoising ${row.denoisingLoss.toFixed(4)}  distance ${distances.join(', ')}`);
    route = row['alignment.route'];
  },
  tasks: [],
});

// ---- Sampling: Euler steps along the velocity of the averaged network, from noise at t = 1 to data at t = 0 ----

const average = model((state) => state.ema[0].denoiser);
const denoise = average.bind((layers, x, t, y) => ({ velocity: denoiser.apply(layers, x, t, y).velocity }));
const drawn = sample(
  (x, t, y) => denoise(x, t, y).velocity,
  rng.normal([POINTS, 1, 1, 2], 'sample'),
  tf.zeros([POINTS], 'int32'),
  { sampler: 'euler', steps: 100, path: 'linear', guidance: 1, guidanceInterval: [0, 1], nullClass: 0 },
);

// ---- Picture: data, samples, and the router's weights ----

const { latent } = points(-1, POINTS);
const data = tf.add(latent.mean, tf.mul(latent.std, rng.normal(latent.mean.shape, 'blur')));
await writePicture(args.out, {
  data: await data.data(),
  samples: await drawn.data(),
  groups: GROUPS,
  times: ROUTE_TIMES,
  weights: route,
});
console.log(`wrote ${args.out}`);
