/** REPA's preprocessed folder as a kind of data. */
import { section, text, wholeNumber } from '@ahpa/options';
import { defineData, holdOut } from './kind.ts';

const options = section({
  path: text('The folder that holds vae-sd and images, as folders or .zip.'),
  threads: wholeNumber(2, 'Threads that decode images; 0 decodes in the main one.'),
  holdOut,
});

/** REPA's preprocessed folder: its latents as they are, groups of features from its images. */
export const repaData = defineData({
  kind: 'repa',
  label: "REPA's preprocessed folder: latents in vae-sd, images beside them, dataset.json.",
  options,
  open: async (options, reporter) => (await import('./open-repa.ts')).openRepaData(options, reporter),
});
