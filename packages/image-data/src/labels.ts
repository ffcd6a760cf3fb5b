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

function parsePairs(text: string, path: string): readonly (readonly [unknown, unknown])[] {
  let labels: unknown;
  try {
    ({ labels } = JSON.parse(text) as { labels?: unknown });
  } catch (cause) {
    throw new Error(`${path} is not JSON (${(cause as Error).message}).`, { cause });
  }
  if (Array.isArray(labels) && labels.every((pair) => Array.isArray(pair) && pair.length === 2))
    return labels;
  if (typeof labels === 'object' && labels !== null && !Array.isArray(labels)) return Object.entries(labels);
  throw new Error(
    `${path}: "labels" is no list of [file, class] pairs, wanted the dataset.json of EDM or REPA.`,
  );
}

/**
 * Labels of `files` from the text of a `dataset.json`.
 * @throws Error where a file has no valid label
 */
export function listedLabels(files: readonly string[], text: string, path: string): Labelling {
  const listed = new Map(parsePairs(text, path));
  const labels = Int32Array.from(files, (file) => {
    const label = listed.get(file);
    if (isClass(label)) return label;
    const got = listed.has(file)
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
