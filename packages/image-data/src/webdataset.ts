/** WebDataset shards: tar archives in which the files of one sample share their name up to the first dot. */
import { IMAGE } from './formats.ts';
import type { ImageSource } from './image-source.ts';
import { isClass, numbered } from './labels.ts';
import type { FileTree } from './tree.ts';

interface Sample {
  readonly tree: FileTree;
  readonly key: string;
  image?: string;
  label?: string;
}

/** Whether a tree has class files, as WebDataset shards have. */
export const isWebDataset = ({ files }: FileTree): boolean => files.some((file) => /\.cls$/.test(file));

function listSamples(tree: FileTree): Sample[] {
  const samples = new Map<string, Sample>();
  for (const file of tree.files) {
    const [, key, extension] = /^((?:.*\/)?[^./]+)\.([^/]+)$/.exec(file) ?? [];
    if (key === undefined || extension === undefined) continue;
    const sample = samples.get(key) ?? { tree, key };
    if (IMAGE.test(file)) sample.image ??= file;
    if (extension === 'cls') sample.label = file;
    samples.set(key, sample);
  }
  return [...samples.values()].filter(({ image }) => image !== undefined);
}

async function readLabel({ tree, key, label }: Sample): Promise<number> {
  const text = label === undefined ? '' : new TextDecoder().decode(await tree.read(label)).trim();
  const value = text === '' ? undefined : Number(text);
  if (isClass(value)) return value;
  throw new Error(
    `${tree.path}: sample ${key} has the class "${text}", wanted a class index in a .cls file.`,
  );
}

/** The samples of shards, shard by shard; classes are numbered. */
export async function webDataset(path: string, shards: readonly FileTree[]): Promise<ImageSource> {
  const samples = shards.flatMap(listSamples);
  const values: number[] = [];
  for (const sample of samples) values.push(await readLabel(sample));
  const labels = Int32Array.from(values);
  return {
    path,
    names: samples.map(({ tree, key }) => `${tree.path.split(/[\\/]/).at(-1)}/${key}`),
    labels,
    classes: numbered(labels),
    leftOut: shards.flatMap(({ leftOut }) => leftOut),
    read: (row) => {
      const { tree, image } = samples[row] as Sample;
      return tree.read(image as string);
    },
    close: async () => {
      for (const shard of shards) await shard.close();
    },
  };
}
