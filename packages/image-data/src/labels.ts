/** Class labels: the `dataset.json` of EDM and REPA, or the folders that images lie in. */

/** Labels of files, and names of the classes. */
export interface Labelling {
  readonly labels: Int32Array<ArrayBuffer>;
  readonly classes: readonly string[];
}

const LARGEST_CLASS = 1 << 20;

/** Class `0` to `n - 1`, for sources that do not name them. */
export const numbered = (labels: Int32Array<ArrayBuffer>): readonly string[] =>
  Array.from({ length: labels.reduce((most, label) => Math.max(most, label), 0) + 1 }, (_, i) => String(i));

/** Whether a value can be a class index. */
export const isClass = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < LARGEST_CLASS;

/** Pairs of file and class; undefined where the list gives no classes (`null`). */
function parsePairs(text: string, path: string): readonly (readonly [unknown, unknown])[] | undefined {
  let labels: unknown;
  try {
    ({ labels } = JSON.parse(text) as { labels?: unknown });
  } catch (cause) {
    throw new Error(`${path} is not JSON (${(cause as Error).message}).`, { cause });
  }
  if (labels === null) return undefined;
  if (Array.isArray(labels) && labels.every((pair) => Array.isArray(pair) && pair.length === 2))
    return labels;
  if (typeof labels === 'object' && labels !== null && !Array.isArray(labels)) return Object.entries(labels);
  throw new Error(
    `${path}: "labels" is no list of [file, class] pairs, wanted the dataset.json of EDM or REPA.`,
  );
}

/** All files in one class without a name of its own. */
const oneClass = (files: readonly string[]): Labelling => ({
  labels: new Int32Array(files.length),
  classes: ['all'],
});

/** A list of labels and where it was read. */
export interface LabelList {
  readonly path: string;
  readonly text: string;
  /** Whether a file that is not listed has the label of the file with its number, as REPA's latents label its images; default false. */
  readonly byNumber?: boolean;
}

/** The number that ends a file's name: 12 of `00000/img-mean-std-00000012.npy`; undefined where none does. */
export function fileNumber(file: string): number | undefined {
  const digits = /(\d+)\.[^./]*$/.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Labels of `files` from the text of a `dataset.json`; one that lists no classes (`null`) is of one class.
 * @throws Error where a file has no valid label
 */
export function listedLabels(
  files: readonly string[],
  { path, text, byNumber = false }: LabelList,
): Labelling {
  const pairs = parsePairs(text, path);
  if (pairs === undefined) return oneClass(files);
  const listed = new Map(pairs);
  const numbers = new Map(byNumber ? pairs.map(([file, label]) => [fileNumber(String(file)), label]) : []);
  const labels = Int32Array.from(files, (file) => {
    const number = fileNumber(file);
    const label = listed.has(file) || number === undefined ? listed.get(file) : numbers.get(number);
    if (isClass(label)) return label;
    const got =
      listed.has(file) || (number !== undefined && numbers.has(number))
        ? `gives ${file} the class ${JSON.stringify(label)}`
        : `does not list ${file}`;
    throw new Error(`${path} ${got}, wanted a class index from 0 for every image.`);
  });
  return { labels, classes: numbered(labels) };
}

/**
 * Labels by the first folder of each path, classes sorted; files without any folder are one class.
 * @throws Error where some files lie in no class folder and others do
 */
export function folderLabels(files: readonly string[], path: string): Labelling {
  const folders = files.map((file) => (file.includes('/') ? (file.split('/')[0] as string) : ''));
  const classes = [...new Set(folders)].sort();
  if (classes.length > 1 && classes[0] === '') {
    throw new Error(
      `${path}: ${files[folders.indexOf('')]} lies in no class folder, and others do; move it or list labels.`,
    );
  }
  const indices = new Map(classes.map((name, index) => [name, index]));
  const labels = Int32Array.from(folders, (folder) => indices.get(folder) as number);
  return { labels, classes: classes.map((name) => name || 'all') };
}
