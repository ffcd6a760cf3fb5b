/** Keys of `evaluate`: evaluation during training. */

import { count, optionalText, section, wholeNumber } from '@ahpa/options';
import { z } from 'zod';

/** Schema of `evaluate`. */
export const evaluate = section({
  every: wholeNumber(
    0,
    'Steps between evaluations of generated images against the training images; 0 for none.',
  ),
  images: count(1000, 'Images generated for an evaluation, always from the same noise and labels.'),
  reference: count(10_000, 'Training images that they are compared with, at most.'),
  inception: optionalText(
    'Inception network of FID, a .pb or weights in PyTorch layout; null for SqueezeNet.',
  ),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'wanted 64 hexadecimal digits')
    .nullable()
    .default(null)
    .describe('SHA-256 that the network must have; needed where it is a URL.'),
  lossEvery: wholeNumber(0, 'Steps between held-out denoising losses in ten bins of t; 0 for none.'),
  lossImages: count(256, 'Held-out examples for them.'),
  finalImages: count(50_000, 'Images that ahpa run generates and evaluates at the end; ADM.'),
});
