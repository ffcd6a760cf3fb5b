/** Keys of `model` and `interpolant`: the diffusion transformer and the path that it learns. */
import { SIT, type SiTName } from '@ahpa/dit-core';
import { count, flag, fraction, type Resolved, section, text } from '@ahpa/options';
import { z } from 'zod';

const customSize = section({
  hiddenSize: z.int().positive().describe('Width of a token; a multiple of 4 and of heads.'),
  depth: z.int().positive().describe('Number of blocks.'),
  heads: z.int().positive().describe('Attention heads.'),
  patchSize: z.int().positive().describe('Side in latent pixels of the square that becomes a token.'),
});

const init = section({
  path: text('A weights file, a folder of diffusers, a checkpoint or an exported folder.'),
  from: z
    .enum(['file', 'repa', 'sit', 'dit'])
    .default('file')
    .describe("Weight convention: file detects it; repa, sit or dit force that network's own."),
  part: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'Entry of a training checkpoint, or weights of a run: model, ema, or the name of an average; null for its (first) average.',
    ),
});

/** Weights that a new run starts from. */
export type InitChoice = Resolved<typeof init>;

/** Schema of `model`. */
export const model = section({
  size: z
    .union([z.enum(Object.keys(SIT) as [SiTName]), customSize])
    .default('SiT-S/2')
    .describe('A published SiT size (SiT, table 1) or sizes of your own.'),
  encoderDepth: count(
    3,
    'Block, counted from 1, after which hidden tokens are aligned; 3 for SiT-B/2 in RARE.',
  ),
  labelDropout: fraction(0.1, 'Share of labels replaced by the null class in training, for guidance; REPA.'),
  qkNorm: flag('Queries and keys pass a LayerNorm with weights; timm, REPA: no.'),
  init: init.nullable().default(null).describe('Weights that a new run starts from; null for random ones.'),
});

/** Value of `model`. */
export type ModelConfig = Resolved<typeof model>;

/** Schema of `interpolant`. */
export const interpolant = section({
  path: z
    .enum(['linear', 'cosine'])
    .default('linear')
    .describe('Between data (t = 0) and noise (t = 1): straight, or along a quarter circle; SiT.'),
});
