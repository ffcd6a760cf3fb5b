/** Keys of `data`, `vae` and `hierarchy`: images, autoencoder, and normalisation of its encoder's features. */

import { EMOJI_SETS } from '@ahpa/emoji-data/sets';
import {
  count,
  fraction,
  optionalText,
  type Resolved,
  section,
  text,
  type Written,
  wholeNumber,
} from '@ahpa/options';
import { z } from 'zod';

const emoji = section({
  kind: z.literal('emoji').describe('Emoji, labelled with their Unicode group.'),
  sets: z
    .array(z.enum(EMOJI_SETS))
    .min(1)
    .default(['noto'])
    .describe('Emoji sets, drawn by Google (noto), Microsoft (fluent-emoji-flat) or Twitter (twemoji).'),
  size: count(64, 'Side of an image in pixels.'),
  perClass: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('At most this many emoji of each class and set; null for all.'),
  holdOut: fraction(
    0.1,
    'Share of the emoji that is never trained on; chosen by code points, from 0 to below 1.',
  ),
});

const holdOut = fraction(
  0,
  'Share of the images that is never trained on; chosen by name, from 0 to below 1.',
);

const cache = section({
  kind: z.literal('cache').describe('Features that ahpa extract wrote.'),
  path: text('Folder of the cache to train on.'),
  heldOut: optionalText('Folder of a cache that is never trained on, made with --like; null for none.'),
  holdOut,
});

const images = section({
  kind: z.literal('images').describe('Images themselves, encoded anew in every step.'),
  path: text(
    'Folder, .zip, .tar or .parquet; class folders, dataset.json, WebDataset or Hugging Face layout.',
  ),
  within: optionalText(
    'Folder inside it to train on, such as train; for shards, what their names begin with.',
  ),
  heldOut: optionalText('The same for what is never trained on, such as val; null for none.'),
  labels: optionalText("A dataset.json with labels; null for the source's own, or its folders."),
  size: count(256, 'Side in pixels of the centre crop; ADM.'),
  threads: wholeNumber(2, 'Threads that decode; 0 decodes in the main one.'),
  holdOut,
});

const repa = section({
  kind: z
    .literal('repa')
    .describe("REPA's preprocessed folder: latents in vae-sd, images beside them, dataset.json."),
  path: text('The folder that holds vae-sd and images, as folders or .zip.'),
  threads: wholeNumber(2, 'Threads that decode images; 0 decodes in the main one.'),
  holdOut,
});

/** Schema of `data`. */
export const data = z.discriminatedUnion('kind', [emoji, cache, images, repa]);

/** Emoji, drawn on first use. */
export type EmojiData = Resolved<typeof emoji>;

/** A cache of features. */
export type CacheData = Resolved<typeof cache>;

/** Images that are encoded in every step. */
export type ImagesData = Resolved<typeof images>;

/** REPA's preprocessed folder. */
export type RepaData = Resolved<typeof repa>;

/** Value of `data`. */
export type DataConfig = Resolved<typeof data>;

const packagedVae = section({
  kind: z.literal('emoji-vae').describe('The small autoencoder that comes with this repository.'),
});

const vaeFile = section({
  kind: z.literal('file').describe('An AutoencoderKL or AutoencoderTiny on disk.'),
  path: text(
    'Folder in diffusers layout, or a weights file (safetensors or PyTorch, any published key names); on the Hugging Face hub as hf:org/name[/path][@revision].',
  ),
  decoder: optionalText('Second weights file, where encoder and decoder come apart (TAESD).'),
  config: optionalText(
    "A diffusers config.json; null for the one beside the weights, or else by the weights' shapes.",
  ),
  scale: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Factor of latents where no config.json gives it; 0.18215 for SD, 0.13025 for SDXL.'),
  shift: z
    .number()
    .nullable()
    .default(null)
    .describe('Offset of latents where no config.json gives it; null for none.'),
});

/** Schema of `vae`. */
export const vae = z.discriminatedUnion('kind', [packagedVae, vaeFile]);

/** An autoencoder on disk. */
export type VaeFileChoice = Written<typeof vaeFile>;

/** A frozen autoencoder: that of this repository, or one on disk. */
export type VaeChoice = Written<typeof vae>;

/** Schema of `hierarchy`. */
export const hierarchy = section({
  resize: z
    .enum(['average', 'average+std', 'max', 'unshuffle'])
    .default('average')
    .describe(
      'Token from the part of a map under it: average, average and deviation, maximum, or all its values.',
    ),
  norm: z
    .enum(['none', 'dataset', 'spatial', 'pca', 'whiten', 'innovation'])
    .default('dataset')
    .describe(
      'Of the tokens: by statistics of the data set, by each image (iREPA), onto principal components, onto white ones, or what of the white ones the clean latent does not predict linearly.',
    ),
  components: count(128, 'Principal components that pca, whiten and innovation keep; RARE: 128.'),
  gamma: z.number().min(0).max(1).default(0.6).describe('Share of the mean that spatial takes off; iREPA.'),
  calibration: count(4096, 'Images that statistics and components are fitted on; ours.'),
  dtype: z.enum(['float16', 'float32']).default('float16').describe('Of tokens on disk.'),
});

/** Value of `hierarchy`. */
export type HierarchyConfig = Resolved<typeof hierarchy>;
