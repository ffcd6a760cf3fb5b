/** Class labels and the names of classes. */

/** Labels of files, and names of the classes. */
export interface Labelling {
  readonly labels: Int32Array<ArrayBuffer>;
  readonly classes: readonly string[];
  /** Whether the labels are indices without names, so that classes are named by them. */
  readonly indexed: boolean;
}

const LARGEST_CLASS = 1 << 20;

/** Whether a value can be a class index. */
export const isClass = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < LARGEST_CLASS;

/** Labels without names: classes `0` to `n - 1`. */
export function indexedLabels(values: Iterable<number>): Labelling {
  const labels = Int32Array.from(values);
  const count = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  return { labels, classes: Array.from({ length: count }, (_, i) => String(i)), indexed: true };
}

/** Names of classes in their order: by value where all are numbers, otherwise by code units. */
function sortClasses(names: Iterable<string>): string[] {
  const sorted = [...new Set(names)].sort();
  return sorted.every((name) => /^\d+$/.test(name)) ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted;
}

/** Labels from the name of each image's class, classes sorted. */
function namedLabels(names: readonly string[]): Labelling {
  const classes = sortClasses(names);
  const indices = new Map(classes.map((name, index) => [name, index]));
  const labels = Int32Array.from(names, (name) => indices.get(name) as number);
  return { labels, classes, indexed: false };
}

/** All files in one class without a name of its own. */
export const oneClass = (count: number): Labelling => namedLabels(new Array<string>(count).fill('all'));

/**
 * Labels from class indices or class names; `place` says where a value stands.
 * @throws Error where one is missing or neither, or some are indices and others names
 */
export function valueLabels(values: readonly unknown[], place: (row: number) => string): Labelling {
  const plain = values.map((value) => (typeof value === 'bigint' ? Number(value) : value));
  const missing = plain.findIndex((value) => value == null || value === '' || Number.isNaN(value));
  if (missing >= 0)
    throw new Error(`${place(missing)} has no label, wanted a class index or name for every image.`);
  if (plain.every((value) => typeof value === 'string')) return namedLabels(plain);
  const odd = plain.findIndex((value) => !isClass(value));
  if (odd < 0) return indexedLabels(plain as number[]);
  throw new Error(
    `${place(odd)} has the class ${JSON.stringify(plain[odd])}, wanted an index from 0 or a name, and the same of both for all images.`,
  );
}

/** Labels from texts, in which numbers are class indices. @throws as `valueLabels` */
export function textLabels(texts: readonly string[], place: (row: number) => string): Labelling {
  const parsed = texts.map((text) => text.trim());
  return valueLabels(
    parsed.map((text) => (/^-?\d+(\.\d*)?$/.test(text) ? Number(text) : text)),
    place,
  );
}

/**
 * Labels by the first folder of each path, classes sorted; files without any folder are one class.
 * @throws Error where some files lie in no class folder and others do
 */
export function folderLabels(files: readonly string[], path: string): Labelling {
  const folders = files.map((file) => (file.includes('/') ? (file.split('/')[0] as string) : ''));
  if (folders.every((folder) => folder === '')) return oneClass(files.length);
  const outside = folders.indexOf('');
  if (outside < 0) return namedLabels(folders);
  throw new Error(
    `${path}: ${files[outside]} lies in no class folder, and others do; move it or list labels.`,
  );
}
