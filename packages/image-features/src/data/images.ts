/** Images as a kind of data. */
import { count, optionalText, section, text, wholeNumber } from '@ahpa/options';
import { defineData, holdOut } from './kind.ts';

const options = section({
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

/** Images that are encoded in every step. */
export const imagesData = defineData({
  kind: 'images',
  label: 'Images themselves, encoded anew in every step.',
  options,
  open: async (options, reporter) => (await import('./open-images.ts')).openImagesData(options, reporter),
});
