/** Images as a kind of data. */
import { count, optionalText, section, text, wholeNumber } from '@ahpa/options';
import { defineData, holdOut } from './kind.ts';

const options = section({
  path: text(
    'Folder, .zip, .tar (also .gz, .zst), .parquet, or a pattern of shards; class folders, dataset.json, WebDataset or Hugging Face layout.',
  ),
  within: optionalText(
    'Folder inside it to train on, such as train; for shards, what their names begin with.',
  ),
  heldOut: optionalText(
    'The same for what is never trained on, such as val, of the same classes; null for none.',
  ),
  labels: optionalText(
    "A dataset.json, metadata.csv or metadata.jsonl with labels; null for the source's own, or its folders.",
  ),
  labelColumn: optionalText(
    'Column of the labels in Parquet files or metadata; in WebDataset, cls or a key of .json; null to find it.',
  ),
  imageColumn: optionalText(
    'Column of the images in Parquet files; in WebDataset, their extension, such as jpg; null to find it.',
  ),
  classes: optionalText(
    "A file of class names in their order, one a line or a list in .json; null for the source's own.",
  ),
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
