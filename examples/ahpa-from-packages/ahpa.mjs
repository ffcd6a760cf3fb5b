/** AHPA from its packages alone: a folder of images -> latents and groups -> router -> loss -> compiled steps -> samples. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ahpa, assembleAlignment } from '@ahpa/alignment-losses';
import { alignmentShape, interpolant, sample, sitDenoiser } from '@ahpa/dit-core';
import { learned, routerFactory } from '@ahpa/dynamic-router';
import { createEngine } from '@ahpa/engine';
import * as features from '@ahpa/image-features';
import { silent } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import { batchIndices, initState, optimizer, run, trainStep } from '@ahpa/trainer';
import { decode, unscaleLatent } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { drawShapes } from './shapes.mjs';

const { values: args } = parseArgs({
  options: {
    images: { type: 'string' }, // a folder of class folders; drawn where absent
    steps: { type: 'string', default: '1500' },
    out: { type: 'string', default: 'samples.png' },
  },
});
const [STEPS, SIZE, BATCH, SEED] = [Number(args.steps), 64, 32, 0];
const engine = await createEngine({ backend: 'tensorflow' });

// ---- Images -> latents and groups of tokens, by the frozen VAE, in a cache ----

const images = await features.openImageDataset(args.images ?? (await drawShapes()), {
  size: SIZE,
  threads: 0,
});
const files = await features.readVae({ kind: 'emoji-vae' });
const request = features.featureRequest(files.config, { size: SIZE, grid: 4 }); // stride 8, patches of 2
const vae = engine.model(features.vaeParams(files));
const encoder = { files, vae, request, reporter: silent };
const path = await mkdtemp(join(tmpdir(), 'ahpa-'));
await features.extract(images, encoder, { out: path });
const data = await features.openCacheData({ path });
const { train } = await data.splits(encoder);
const classes = data.classes.length;

// ---- The method: a transformer, a router of the time, AHPA's loss ----

const dit = {
  ...{ latentSize: 8, latentChannels: 4, patchSize: 2, hiddenSize: 128, depth: 6, heads: 4 },
  ...{ mlpRatio: 4, classes, encoderDepths: [3] },
};
const shape = alignmentShape(dit);
const groups = features
  .groupShapes(files.config, request)
  .map((group) => ({ ...group, tokens: shape.tokens }));
const { taps, ...aligned } = assembleAlignment(
  ahpa,
  { weight: 0.5, head: { kind: 'mlp', hidden: 256 } },
  { ...shape, encoderDepth: 3, path: 'linear', seed: SEED, groups },
  routerFactory(learned, { hiddenSize: 64 }),
);
const rng = philox(SEED);
const denoiser = sitDenoiser(dit, taps);
const deps = { denoiser, interpolant: interpolant('linear'), ...aligned, optimizer: optimizer(), rng };

// ---- Training: every step is one compiled TensorFlow function ----

const options = {
  time: { sampling: 'uniform' },
  labelDropout: 0.1,
  nullClass: classes,
  optim: { learningRate: 1e-3, warmup: 50, maxGradNorm: 1 },
  ema: [{ decay: 0.995 }],
};
const { stepper, model } = engine.training(
  (state, batch) => trainStep(deps, state, batch, options),
  initState(deps, rng, options.ema),
);
await run({
  stepper,
  batches: (step) => train.batch(batchIndices(SEED, step, Math.min(BATCH, train.count), train.count)),
  from: 0,
  until: STEPS,
  reportEvery: Math.ceil(STEPS / 10),
  onReport: (step, { denoisingLoss, alignmentLoss }) =>
    console.log(`step ${step}  denoising ${denoisingLoss.toFixed(3)}  alignment ${alignmentLoss.toFixed(3)}`),
  tasks: [],
});

// ---- Samples of every class by the averaged network, decoded, one row a class ----

const COLUMNS = 8;
const average = model((state) => state.ema[0].denoiser).bind((params, x, t, y) => ({
  velocity: denoiser.apply(params, x, t, y).velocity,
}));
const labels = Array.from({ length: COLUMNS * classes }, (_, i) => Math.floor(i / COLUMNS));
const drawn = sample(
  (x, t, y) => average(x, t, y).velocity,
  rng.normal([labels.length, dit.latentSize, dit.latentSize, dit.latentChannels], 'sample'),
  tf.tensor1d(labels, 'int32'),
  {
    ...{ sampler: 'heun', steps: 30, path: 'linear' },
    ...{ guidance: 1.5, guidanceInterval: [0, 1], nullClass: classes },
  },
);
const { config } = files;
const decoded = vae.map((params, z) => ({ images: decode(params, unscaleLatent(z, config), config) }))(drawn);
const sheet = tf.tidy(() => {
  const tiles = tf.reshape(decoded.images, [classes, COLUMNS, SIZE, SIZE, 3]);
  const rows = tf.reshape(tf.transpose(tiles, [0, 2, 1, 3, 4]), [classes * SIZE, COLUMNS * SIZE, 3]);
  return tf.clipByValue(tf.mul(tf.add(rows, 1), 127.5), 0, 255);
});
const [height, width] = sheet.shape;
await sharp(Uint8Array.from(await sheet.data()), { raw: { width, height, channels: 3 } }).toFile(args.out);
console.log(`wrote ${args.out}`);
await data.close();
