/** Keys of `evaluate`: how a run is measured while it trains. */

import { count, section } from '@ahpa/options';
import { z } from 'zod';
import type { EvaluateChoice } from './types.ts';

const steps = z.int().min(0).default(0);

/** Checks the value of `evaluate`. */
export const evaluate: z.ZodType<EvaluateChoice> = section({
  every: steps.describe('Steps between figures of drawn images against the training images; 0 for none.'),
  images: count(1000, 'Images drawn for the figures, always from the same noise and labels.'),
  reference: count(10_000, 'Training images that they are compared with, at most.'),
  inception: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Inception network of FID, a .pb or weights in PyTorch layout; null for SqueezeNet.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'wanted 64 hexadecimal digits')
    .nullable()
    .default(null)
    .describe('SHA-256 that the network must have; needed where it is a URL.'),
  lossEvery: steps.describe('Steps between held-out denoising losses in ten bins of t; 0 for none.'),
  lossImages: count(256, 'Held-out examples for them.'),
  finalImages: count(50_000, 'Images that ahpa run generates and evaluates at the end; ADM.'),
});
