/** Keys of `data`, `vae` and `hierarchy`: images, autoencoder, and what its encoder's features become. */
import { EMOJI_SETS } from '@ahpa/emoji-data/sets';
import { count, fraction, section } from '@ahpa/options';
import { z } from 'zod';
import type { TrainConfig } from './types.ts';

const path = (description: string): z.ZodString => z.string().min(1).describe(description);
const optionalPath = (description: string): z.ZodDefault<z.ZodNullable<z.ZodString>> =>
  z.string().min(1).nullable().default(null).describe(description);

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
  path: path('Folder of the cache to train on.'),
  heldOut: optionalPath('Folder of a cache that is never trained on, made with --like; null for none.'),
  holdOut,
});

const images = section({
  kind: z.literal('images').describe('Images themselves, encoded anew in every step.'),
  path: path(
    'Folder, .zip, .tar or .parquet; class folders, dataset.json, WebDataset or Hugging Face layout.',
  ),
  within: optionalPath(
    'Folder inside it to train on, such as train; for shards, what their names begin with.',
  ),
  heldOut: optionalPath('The same for what is never trained on, such as val; null for none.'),
  labels: optionalPath("A dataset.json with labels; null for the source's own, or its folders."),
  size: count(256, 'Side in pixels of the centre crop; ADM.'),
  threads: z.int().min(0).default(2).describe('Threads that decode; 0 decodes in the main one.'),
  holdOut,
});

const repa = section({
  kind: z
    .literal('repa')
    .describe("REPA's preprocessed folder: latents in vae-sd, images beside them, dataset.json."),
  path: path('The folder that holds vae-sd and images, as folders or .zip.'),
  threads: z.int().min(0).default(2).describe('Threads that decode images; 0 decodes in the main one.'),
  holdOut,
});

/** Checks the value of `data`. */
export const data: z.ZodType<TrainConfig['data']> = z
  .discriminatedUnion('kind', [emoji, cache, images, repa])
  .prefault({ kind: 'emoji' })
  .describe('The images.');

/** Checks the value of `vae`. */
export const vae: z.ZodType<TrainConfig['vae']> = z
  .discriminatedUnion('kind', [
    section({
      kind: z.literal('emoji-vae').describe('The small autoencoder that comes with this repository.'),
    }),
    section({
      kind: z.literal('file').describe('An AutoencoderKL or AutoencoderTiny on disk.'),
      path: z
        .string()
        .min(1)
        .describe(
          'Folder in diffusers layout, or a weights file (safetensors or PyTorch, any published key names); on the Hugging Face hub as hf:org/name[/path][@revision].',
        ),
      decoder: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe('Second weights file, where encoder and decoder come apart (TAESD).'),
      config: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          "A diffusers config.json; null for the one beside the weights, or else by the weights' shapes.",
        ),
      scale: z
        .number()
        .positive()
        .nullable()
        .default(null)
        .describe('Factor of latents where no config.json says it; 0.18215 for SD, 0.13025 for SDXL.'),
      shift: z
        .number()
        .nullable()
        .default(null)
        .describe('Offset of latents where no config.json says it; null for none.'),
    }),
  ])
  .prefault({ kind: 'emoji-vae' })
  .describe('The frozen autoencoder: its latents are the data, its encoder gives the alignment targets.');

/** Checks the value of `hierarchy`. */
export const hierarchy: z.ZodType<TrainConfig['hierarchy']> = section({
  resize: z
    .enum(['average', 'average+std', 'max', 'unshuffle'])
    .default('average')
    .describe(
      'What becomes of the part of a map under one token: average, average and deviation, maximum, or all its values.',
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
})
  .prefault({})
  .describe("How the encoder's features become targets.");
