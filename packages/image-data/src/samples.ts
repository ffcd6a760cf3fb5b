/** Samples of WebDataset shards: files that share their name up to the first dot, as fields by extension. */

import { chooseColumn } from './choose-column.ts';
import { IMAGE } from './formats.ts';
import type { FileTree } from './tree.ts';

/** A sample of a shard. */
export interface Sample {
  readonly tree: FileTree;
  /** Path up to the first dot of the name. */
  readonly key: string;
  /** Files by what follows that dot, in lower case as in the `webdataset` package. */
  readonly fields: ReadonlyMap<string, string>;
}

/** A file and why it is not read. */
export type Beside = readonly [file: string, reason: string];

/** The samples of a shard, in order, and the files that belong to none. @throws Error where a field is there twice */
export function groupSamples(tree: FileTree): { samples: Sample[]; beside: Beside[] } {
  const samples = new Map<string, Map<string, string>>();
  const beside: Beside[] = [];
  for (const file of tree.files) {
    const [, key, extension] = /^((?:.*\/)?[^./]+)\.([^/]+)$/.exec(file) ?? [];
    if (key === undefined || extension === undefined) {
      beside.push([file, 'no field of a sample']);
      continue;
    }
    const fields = samples.get(key) ?? new Map<string, string>();
    const field = extension.toLowerCase();
    if (fields.has(field))
      throw new Error(
        `${tree.path}: sample ${key} has the field ${field} twice, ${fields.get(field)} and ${file}.`,
      );
    samples.set(key, fields.set(field, file));
  }
  return { samples: [...samples].map(([key, fields]) => ({ tree, key, fields })), beside };
}

/**
 * The image field of a sample: the one that is asked for, or the only image, or the only one whose extension has one part;
 * undefined where there is none.
 * @throws Error where several fields may be it
 */
export function imageField({ tree, key, fields }: Sample, asked: string | undefined): string | undefined {
  if (asked !== undefined) return fields.has(asked.toLowerCase()) ? asked.toLowerCase() : undefined;
  const images = [...fields.keys()].filter((field) => IMAGE.test(`.${field}`));
  const plain = images.filter((field) => !field.includes('.'));
  const candidates = plain.length === 0 ? images : plain;
  return chooseColumn({
    path: `${tree.path}: sample ${key}`,
    kind: 'image',
    columns: images,
    candidates,
    asked,
    preferred: [],
  });
}

/** The text of a field of a sample. */
export async function readText({ tree, fields }: Sample, field: string): Promise<string> {
  return new TextDecoder().decode(await tree.read(fields.get(field) as string));
}
