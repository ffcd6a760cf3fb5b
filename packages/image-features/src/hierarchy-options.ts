/** Options of encoder features as tokens: resizing, normalisation, precision on disk. */
import { count, type Resolved, section } from '@ahpa/options';
import { z } from 'zod';

/** Schema of the options. */
export const hierarchyOptions = section({
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

/** Options of encoder features as tokens. */
export type HierarchyOptions = Resolved<typeof hierarchyOptions>;
