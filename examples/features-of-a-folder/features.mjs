/** Features of a folder of images: latents and groups of encoder tokens in a cache, and what one batch of them holds. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine } from '@ahpa/engine';
import * as features from '@ahpa/image-features';
import sharp from 'sharp';

const { values: args } = parseArgs({
  options: {
    images: { type: 'string' }, // a folder of class folders; a few plain squares where absent
    vae: { type: 'string' }, // a folder in diffusers' layout; the emoji VAE where absent
    out: { type: 'string' },
    size: { type: 'string', default: '64' },
    backend: { type: 'string', default: 'tensorflow' },
  },
});
const size = Number(args.size);
const engine = await createEngine({ backend: args.backend });
const images = await features.openImageDataset(args.images ?? (await drawSquares()), { size, threads: 0 });
const files = await features.readVae(args.vae ? { kind: 'file', path: args.vae } : { kind: 'emoji-vae' });
const grid = size / features.vaeStride(files.config) / 2; // patches of 2
const request = features.featureRequest(files.config, { size, grid });
const encoder = { files, vae: engine.model(features.vaeParams(files)), request };

const out = args.out ?? (await mkdtemp(join(tmpdir(), 'features-')));
const { index } = await features.extract(images, encoder, { out }); // the same call again continues
console.log(`${index.count} images of ${index.classes.join(', ')} in ${out}`);

const data = await features.openCacheData({ path: out });
const { train } = await data.splits(encoder);
const { latent, targets } = await train.batch(Uint32Array.of(0, 1));
console.log(`latent ${latent.mean.shape}`);
for (const [g, tokens] of targets.entries()) console.log(`${request.groups[g].name} ${tokens.shape}`);
await data.close();

async function drawSquares() {
  const folder = await mkdtemp(join(tmpdir(), 'squares-'));
  for (let i = 0; i < 4; i++) {
    const background = { r: 60 * i, g: 200 - 40 * i, b: 120 };
    await sharp({ create: { width: 70, height: 64, channels: 3, background } }).toFile(
      join(folder, `${i}.png`),
    );
  }
  return folder;
}
