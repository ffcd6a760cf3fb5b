/** REPA's preprocessed folder: moments of latents in vae-sd (`[8, h, w]`: mean, then deviation, unscaled), labels, and images. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type FileTree, IMAGE, type ImageSource, openFolder, openZip, treeImages } from '@ahpa/image-data';
import { isUserError, userError } from '@ahpa/messages';
import { scaleLatent, type VaeConfig } from '@ahpa/vae-hierarchy';
import { firstNonFinite, parseNpy, toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { type Dataset, joinedPixels, labelTensor } from '../dataset.ts';
import type { FeatureEncoder } from '../feature-encoder.ts';
import { imageBatch } from '../image-batch.ts';
import { type ImageDataset, readImages } from '../image-dataset.ts';
import { pairLatents } from './repa-pairs.ts';

/** An open folder: latents and images in the same order. */
export interface RepaFolder {
  readonly latents: FileTree;
  /** Files of the latents, one an image. */
  readonly files: readonly string[];
  readonly images: ImageSource;
  /** Height, width and channels of the latent. */
  readonly shape: readonly [number, number, number];
}

/** The list of labels beside the latents. */
const LABELS = 'dataset.json';

/** Result of `run`, its errors made ones that the user can fix. */
const asUser = <T>(run: () => Promise<T>): Promise<T> =>
  run().catch((cause: Error) => {
    throw isUserError(cause) ? cause : userError(cause.message, { cause });
  });

/** Closes trees because of an error, which is thrown. */
async function closing(trees: readonly FileTree[], error: unknown): Promise<never> {
  for (const tree of trees) await tree.close();
  throw error;
}

async function part(path: string, name: string): Promise<FileTree> {
  const folder = join(path, name);
  if (existsSync(folder)) return openFolder(folder);
  if (existsSync(`${folder}.zip`)) return asUser(() => openZip(`${folder}.zip`));
  throw userError(
    `${path} has no ${name} and no ${name}.zip, wanted the folder that REPA's preprocessing writes.`,
  );
}

/** Mean and deviation of one file as `[2, h, w, C]`, row-major. */
async function readMoments(
  latents: FileTree,
  file: string,
): Promise<{ values: Float32Array; shape: [number, number, number] }> {
  const path = `${latents.path}/${file}`;
  const entry = await asUser(async () => parseNpy(await latents.read(file), path));
  const [twice = 0, height = 0, width = 0] = entry.shape;
  if (entry.shape.length !== 3 || twice % 2 !== 0)
    throw userError(`${path} has shape [${entry.shape}], wanted [2 C, h, w]: mean and deviation.`);
  if (firstNonFinite(entry) >= 0)
    throw userError(`${path} holds a value that is not finite: encode the image again.`);
  const source = toFloat32(entry);
  const [channels, positions] = [twice / 2, height * width];
  const values = new Float32Array(source.length);
  for (let half = 0; half < 2; half++)
    for (let channel = 0; channel < channels; channel++)
      for (let at = 0; at < positions; at++)
        values[(half * positions + at) * channels + channel] = source[
          (half * channels + channel) * positions + at
        ] as number;
  return { values, shape: [height, width, channels] };
}

/**
 * Opens the folder: latents and images pair up by number, and labels are the latents', as in REPA.
 * @throws an error the user can fix where a part, a label or one of a pair is missing.
 */
export async function openRepaFolder(path: string): Promise<RepaFolder> {
  const latents = await part(path, 'vae-sd');
  const tree = await part(path, 'images').catch((error) => closing([latents], error));
  return paired(latents, tree).catch((error) => closing([latents, tree], error));
}

async function paired(latents: FileTree, tree: FileTree): Promise<RepaFolder> {
  if (!latents.files.includes(LABELS)) throw userError(`${latents.path} has no ${LABELS} with the labels.`);
  const text = new TextDecoder().decode(await latents.read(LABELS));
  const list = { path: `${latents.path}/${LABELS}`, text, byNumber: true };
  const npy = latents.files.filter((file) => file.endsWith('.npy'));
  const pictures = tree.files.filter((file) => IMAGE.test(file));
  const files = pairLatents({ path: latents.path, files: npy }, { path: tree.path, files: pictures });
  const images = await asUser(() => treeImages(tree, list));
  const { shape } = await readMoments(latents, files[0] as string);
  return { latents, files, images, shape };
}

/** Mean and deviation of the image `row` as `[2, h, w, C]`. @throws an error the user can fix where its file is damaged or of another shape */
export async function readLatent({ latents, files, shape }: RepaFolder, row: number): Promise<Float32Array> {
  const file = files[row] as string;
  const found = await readMoments(latents, file);
  if (found.shape.join() === shape.join()) return found.values;
  throw userError(
    `${latents.path}/${file} has the shape [${found.shape}], wanted [${shape}] as the first has.`,
  );
}

/** Latents `[B, h, w, C]` of the files `rows`, scaled as the VAE's. */
async function readLatents(
  folder: RepaFolder,
  rows: Uint32Array,
  config: VaeConfig,
): Promise<{ mean: tf.Tensor4D; std: tf.Tensor4D }> {
  const parts = await Promise.all(Array.from(rows, (row) => readLatent(folder, row)));
  return tf.tidy(() => {
    const all = tf.stack(parts.map((values) => tf.tensor4d(values, [2, ...folder.shape])));
    const [mean, std] = tf.unstack(all, 1) as [tf.Tensor4D, tf.Tensor4D];
    const origin = scaleLatent(tf.zerosLike(std), config);
    return {
      mean: scaleLatent(mean, config),
      std: tf.sub(scaleLatent(std, config), origin) as tf.Tensor4D,
    };
  });
}

/** Latents from the folder, and tokens of the groups, if any, encoded from the images. */
export function repaDataset(
  folder: RepaFolder,
  images: ImageDataset,
  config: VaeConfig,
  encoder: FeatureEncoder | undefined,
): Dataset {
  const { files } = folder;
  const { labels } = images;
  return {
    count: files.length,
    labels,
    batch: async (rows) => {
      const decoded = encoder ? await readImages(images, rows) : [];
      const latent = await readLatents(folder, rows, config);
      const targets = encoder ? tf.tidy(() => encoder.encode(imageBatch(decoded, images.size)).tokens) : [];
      return { latent, y: labelTensor(labels, rows), targets };
    },
    pixels: (rows) => joinedPixels(images, rows),
  };
}
