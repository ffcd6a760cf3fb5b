/** AHPA from its packages alone: a folder of images -> latents and groups -> router -> loss -> compiled steps -> samples. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { ahpa } from '@ahpa/alignment-losses';
import { applyDiT, initDiT, interpolant, sample, tokenCount } from '@ahpa/dit-core';
import { learned, routerFactory } from '@ahpa/dynamic-router';
import { createEngine } from '@ahpa/engine';
import { createDecoder, openImages } from '@ahpa/image-data';
import { philox } from '@ahpa/ops';
import { batchIndices, initState, optimizer, run, trainStep } from '@ahpa/trainer';
import * as vaes from '@ahpa/vae-hierarchy';
import { readWeights, toFloat32 } from '@ahpa/weight-files';
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
const rng = philox(SEED);
const engine = await createEngine({ backend: 'tensorflow' });

// ---- The frozen VAE ----

const { resolve } = createRequire(import.meta.url);
const vaeConfig = vaes.parseVaeConfig(JSON.parse(readFileSync(resolve('@ahpa/emoji-vae/config.json'))));
const weights = await readWeights(resolve('@ahpa/emoji-vae/diffusion_pytorch_model.safetensors'));
const stateDict = Object.entries(weights).map(([name, entry]) => [
  name,
  { shape: entry.shape, data: toFloat32(entry) },
]);
const vae = engine.model(vaes.loadVaeParams(Object.fromEntries(stateDict), vaeConfig));

// ---- The images: labels, latents and groups of encoder features, all of them in memory ----

const source = await openImages(args.images ?? (await drawShapes()));
const decoder = createDecoder(0);
const [classes, count] = [source.classes.length, source.names.length];
const groups = Object.entries(vaes.defaultGroups(vaeConfig)); // fine, mid, coarse
const grid = 4; // side of the token grid: 64 pixels, stride 8, patches of 2

const taps = groups.flatMap(([, names]) => names);
const tokensOf = ([, names], levels) => {
  const maps = names.map((name) => levels[name]);
  return vaes.groupTokens(maps, grid, 'average');
};
const encode = vae.map((params, images) => {
  const { posterior, levels } = vaes.encode(params, images, vaeConfig, taps);
  return {
    mean: vaes.scaleLatent(posterior.mean, vaeConfig),
    std: tf.mul(tf.exp(tf.div(posterior.logVar, 2)), vaeConfig.scalingFactor),
    targets: groups.map((group) => tokensOf(group, levels)),
  };
});
const encoded = [];
for (let row = 0; row < count; row++) {
  const { pixels } = await decoder.decode(await source.read(row), SIZE);
  const image = tf.tidy(() => tf.sub(tf.div(tf.tensor4d(pixels, [1, SIZE, SIZE, 3], 'float32'), 127.5), 1));
  encoded.push(encode(image));
  image.dispose();
}
await source.close();
const column = (pick) => tf.concat(encoded.map(pick));
const labels = tf.tensor1d(source.labels, 'int32');
const latents = { mean: column(({ mean }) => mean), std: column(({ std }) => std) };
const features = groups.map((_, g) => {
  const tokens = column(({ targets }) => targets[g]);
  const { mean, variance } = tf.moments(tokens, [0, 1]); // per channel, over all tokens of the data
  return vaes.standardize(tokens, { mean, std: tf.sqrt(tf.add(variance, 1e-6)) });
});
tf.dispose(encoded);

// ---- The method: a transformer, a router of the time, AHPA's loss ----

const sizes = { latentSize: 2 * grid, latentChannels: 4, patchSize: 2, hiddenSize: 128, depth: 6, heads: 4 };
const dit = { ...sizes, mlpRatio: 4, classes, encoderDepths: [3] };
const options = ahpa.options.parse({ weight: 0.5, head: { kind: 'mlp', hidden: 256, layers: 3 } });
const spec = {
  hiddenSize: dit.hiddenSize,
  tokens: tokenCount(dit),
  patchSize: dit.patchSize,
  latentWidth: dit.latentChannels * dit.patchSize ** 2,
  encoderDepth: dit.encoderDepths[0],
  path: 'linear',
  seed: SEED,
  groups: groups.map(([name], g) => ({ name, width: features[g].shape[2], tokens: grid ** 2 })),
};
const deps = {
  denoiser: {
    init: (numbers) => initDiT(dit, numbers),
    apply: (params, xt, t, y, tap) => applyDiT(params, xt, t, y, dit, tap),
  },
  interpolant: interpolant(spec.path),
  alignment: ahpa.create(options, spec, routerFactory(learned, learned.options.parse({}))),
  weight: ahpa.weight(options),
  optimizer: optimizer(),
  rng,
};

// ---- Training: every step is one compiled TensorFlow function ----

const stepOptions = {
  time: { sampling: 'uniform' },
  labelDropout: 0.1,
  nullClass: classes,
  optim: { learningRate: 1e-3, warmup: 50, maxGradNorm: 1 },
  ema: [{ decay: 0.995 }],
};
const { stepper, model } = engine.training(
  (state, batch) => trainStep(deps, state, batch, stepOptions),
  initState(deps, rng, stepOptions.ema),
);
await run({
  stepper,
  batches: (step) =>
    tf.tidy(() => {
      const rows = tf.tensor1d([...batchIndices(SEED, step, Math.min(BATCH, count), count)], 'int32');
      const take = (all) => tf.gather(all, rows);
      const latent = { mean: take(latents.mean), std: take(latents.std) };
      return { latent, y: take(labels), targets: features.map(take) };
    }),
  from: 0,
  until: STEPS,
  reportEvery: Math.ceil(STEPS / 10),
  onReport: (step, row) =>
    console.log(
      `step ${step}  denoising ${row.denoisingLoss.toFixed(3)}  alignment ${row.alignmentLoss.toFixed(3)}`,
    ),
  tasks: [],
});

// ---- Samples of every class by the averaged network, decoded, one row a class ----

const COLUMNS = 8;
const average = model((state) => state.ema[0].denoiser);
const denoise = average.bind((params, x, t, y) => ({ velocity: applyDiT(params, x, t, y, dit).velocity }));
const drawn = sample(
  (x, t, y) => denoise(x, t, y).velocity,
  rng.normal([COLUMNS * classes, dit.latentSize, dit.latentSize, dit.latentChannels], 'sample'),
  tf.tensor1d(
    Array.from({ length: COLUMNS * classes }, (_, i) => Math.floor(i / COLUMNS)),
    'int32',
  ),
  {
    sampler: 'heun',
    steps: 30,
    path: spec.path,
    guidance: 1.5,
    guidanceInterval: [0, 1],
    nullClass: classes,
  },
);
const decode = vae.map((params, z) => ({
  images: vaes.decode(params, vaes.unscaleLatent(z, vaeConfig), vaeConfig),
}));
const sheet = tf.tidy(() => {
  const tiles = tf.reshape(decode(drawn).images, [classes, COLUMNS, SIZE, SIZE, 3]);
  const rows = tf.reshape(tf.transpose(tiles, [0, 2, 1, 3, 4]), [classes * SIZE, COLUMNS * SIZE, 3]);
  return tf.clipByValue(tf.mul(tf.add(rows, 1), 127.5), 0, 255);
});
const [height, width] = sheet.shape;
await sharp(Uint8Array.from(await sheet.data()), { raw: { width, height, channels: 3 } }).toFile(args.out);
console.log(`wrote ${args.out}`);
