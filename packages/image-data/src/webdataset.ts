/** WebDataset shards: tar archives of samples. */
import { basename } from 'node:path';
import { type ColumnOptions, isLabelName } from './choose-column.ts';
import type { ImageSource } from './image-source.ts';
import type { LabelList } from './label-list.ts';
import { countLeftOut, sumLeftOut } from './left-out.ts';
import { listedLabels } from './listed-labels.ts';
import { readJson, sampleLabels } from './sample-labels.ts';
import { type Beside, groupSamples, imageField, type Sample } from './samples.ts';
import { describeNotes, type FileTree } from './tree.ts';

/** A list of labels in place of the samples' own, and fields. */
export interface WebDatasetOptions extends ColumnOptions {
  /** Its files are `shard.tar/key`. */
  readonly list?: LabelList | undefined;
}

/** Whether a tree holds labelled samples: class files, or images in no folder beside `.json` with a label. */
export async function isWebDataset(tree: FileTree, labelColumn?: string): Promise<boolean> {
  const { files } = tree;
  if (files.some((file) => /\.cls$/i.test(file))) return true;
  if (files.some((file) => file === 'dataset.json' || file.includes('/'))) return false;
  const first = groupSamples(tree).samples.find(({ fields }) => fields.has('json') && fields.size > 1);
  if (first === undefined) return false;
  return labelColumn !== undefined || Object.keys(await readJson(first)).some(isLabelName);
}

/** The samples that have an image, its field, and the files that are read neither as image nor as label. */
function chooseImages(
  shards: readonly FileTree[],
  imageColumn: string | undefined,
): { samples: Sample[]; images: string[]; beside: Beside[] } {
  const grouped = shards.map(groupSamples);
  const beside = grouped.flatMap((one) => one.beside);
  const found = grouped
    .flatMap((one) => one.samples)
    .flatMap((sample) => {
      const image = imageField(sample, imageColumn);
      for (const [field, file] of sample.fields) {
        if (image === undefined) beside.push([file, 'of samples without an image']);
        else if (field !== image && field !== 'cls' && field !== 'json')
          beside.push([file, `not read, the field ${field}`]);
      }
      return image === undefined ? [] : [{ sample, image }];
    });
  return { samples: found.map(({ sample }) => sample), images: found.map(({ image }) => image), beside };
}

/**
 * The samples of shards, shard by shard; `shardNames` begin the names of their images, default those of the files.
 * @throws Error where a sample has several images or no label, or none has an image
 */
export async function webDataset(
  path: string,
  shards: readonly FileTree[],
  { list, imageColumn, labelColumn }: WebDatasetOptions = {},
  shardNames: readonly string[] = shards.map((shard) => basename(shard.path)),
): Promise<ImageSource> {
  const named = new Map(shards.map((shard, index) => [shard, shardNames[index] as string]));
  const { samples, images, beside } = chooseImages(shards, imageColumn);
  if (samples.length === 0)
    throw new Error(
      `${path}: no sample has an image${imageColumn === undefined ? '' : ` in the field ${imageColumn}`}.`,
    );
  const names = samples.map(({ tree, key }) => `${named.get(tree)}/${key}`);
  const labels = list ? listedLabels(names, list, labelColumn) : await sampleLabels(samples, labelColumn);
  return {
    path,
    names,
    ...labels,
    notes: [
      ...describeNotes(shards),
      `Images from the ${[...new Set(images)].map((field) => `.${field}`).join(', ')} of samples.`,
      ...labels.notes,
    ],
    leftOut: sumLeftOut([...shards.flatMap(({ leftOut }) => leftOut), ...countLeftOut(beside)]),
    read: (row) => {
      const { tree, fields } = samples[row] as Sample;
      return tree.read(fields.get(images[row] as string) as string);
    },
    close: async () => {
      for (const shard of shards) await shard.close();
    },
  };
}
