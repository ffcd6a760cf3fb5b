/** The `dataset.json` of EDM and REPA: pairs of file and class. */
import { absentFiles, type LabelList, type ListedLabels } from './label-list.ts';
import { indexedLabels, isClass, oneClass } from './labels.ts';

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

/** The number that ends a file's name: 12 of `00000/img-mean-std-00000012.npy`; undefined where none does. */
export function fileNumber(file: string): number | undefined {
  const digits = /(\d+)\.[^./]*$/.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Labels of `files` from the text of a `dataset.json`; one that lists no classes (`null`) is of one class.
 * @throws Error where a file has no valid label
 */
export function pairLabels(
  files: readonly string[],
  { path, text, byNumber = false }: LabelList,
): ListedLabels {
  const note = `Labels from ${path}`;
  const pairs = parsePairs(text, path);
  if (pairs === undefined) return { ...oneClass(files.length), notes: [`${note}, which gives no classes.`] };
  const listed = new Map(pairs);
  const numbers = new Map(byNumber ? pairs.map(([file, label]) => [fileNumber(String(file)), label]) : []);
  const labels = files.map((file) => {
    const number = fileNumber(file);
    const label = listed.has(file) || number === undefined ? listed.get(file) : numbers.get(number);
    if (isClass(label)) return label;
    const got =
      listed.has(file) || (number !== undefined && numbers.has(number))
        ? `gives ${file} the class ${JSON.stringify(label)}`
        : `does not list ${file}`;
    throw new Error(`${path} ${got}, wanted a class index from 0 for every image.`);
  });
  const absent = byNumber ? [] : absentFiles(path, listed.keys(), files);
  return { ...indexedLabels(labels), notes: [`${note}.`, ...absent] };
}
