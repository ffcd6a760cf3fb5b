/** The classes that a user names, or that a grid shows unasked. */
import { listNames, userError } from '@ahpa/messages';
import { closest } from 'fastest-levenshtein';
import type { TrainConfig } from '../config/types.ts';

/** Names of classes by index, and the images of each in the training data where they are known. */
export interface ClassTable {
  readonly classes: readonly string[];
  readonly counts?: readonly number[];
}

/** Indices of the classes that were trained on: all but those without an image. */
export function trainedClasses({ classes, counts }: ClassTable): number[] {
  const all = classes.map((_, label) => label);
  return counts === undefined ? all : all.filter((label) => counts[label] !== 0);
}

/**
 * Indices of the classes that `text` means, tried in this order: every class that was trained on (`all`, `*`), an exact name, an
 * index, a name in other case, a part of a name.
 * @throws an error the user can fix where nothing or more than one class is meant
 */
export function chooseClasses(text: string, table: ClassTable): number[] {
  const { classes } = table;
  if (text === '*') return trainedClasses(table);
  if (text === 'all') {
    if (classes.length > 1 && classes.includes(text))
      throw userError(
        `Class "all" has two readings: every class, or ${reading(classes, classes.indexOf(text))}; write * or ${classes.indexOf(text)}.`,
      );
    return trainedClasses(table);
  }
  return [chooseClass(text, classes)];
}

/** The class that a name, a part of a name, or an index in digits means. */
function chooseClass(text: string, classes: readonly string[]): number {
  const matching = (matches: (name: string) => boolean): number[] =>
    classes.flatMap((name, label) => (matches(name) ? [label] : []));
  const wanted = text.toLowerCase();
  const isIndex = /^\d+$/.test(text) && Number(text) < classes.length;
  const readings = [
    matching((name) => name === text),
    isIndex ? [Number(text)] : [],
    matching((name) => name.toLowerCase() === wanted),
    wanted === '' ? [] : matching((name) => name.toLowerCase().includes(wanted)),
  ];
  const [first, ...more] = readings.find((labels) => labels.length > 0) ?? [];
  if (first !== undefined && more.length === 0) return first;
  if (first !== undefined)
    throw userError(
      `Class "${text}" has ${more.length + 1} readings: ${listNames([first, ...more].map((label) => reading(classes, label)))}; name one in full, or its index.`,
    );
  const names = classes.map((name) => name.toLowerCase());
  const nearest = classes[names.indexOf(closest(wanted, names))];
  throw userError(
    `There is no class "${text}": the nearest is "${nearest}", and indices go from 0 to ${classes.length - 1}.`,
  );
}

const reading = (classes: readonly string[], label: number): string => `${label} ("${classes[label]}")`;

/**
 * Indices of the classes of a sample grid: so many spread evenly over the list, all, or the named ones.
 * @throws an error the user can fix where there is no such class
 */
export function gridClasses(
  { classes: wanted }: Pick<TrainConfig['sample'], 'classes'>,
  table: ClassTable,
): number[] {
  if (wanted === 'all') return trainedClasses(table);
  if (typeof wanted === 'number') return spread(trainedClasses(table), wanted);
  return wanted.flatMap((entry) => {
    if (typeof entry === 'string') return chooseClasses(entry, table);
    if (entry < table.classes.length) return [entry];
    throw userError(
      `sample.classes: there is no class of index ${entry}, indices go from 0 to ${table.classes.length - 1}.`,
    );
  });
}

/** At most `count` entries of a list, the first and the last among them, at equal distances. */
function spread(list: readonly number[], count: number): number[] {
  if (count >= list.length) return [...list];
  const stride = count === 1 ? 0 : (list.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, i) => list[Math.round(i * stride)] as number);
}

/** Classes as a sentence names them: `class 2 ("10")`, or `3 classes: 0 ("a"), 1 ("b"), 2 ("c")`. */
export function nameClasses(labels: readonly number[], classes: readonly string[]): string {
  const [first = 0] = labels;
  if (labels.length === 1) return `class ${reading(classes, first)}`;
  return `${labels.length} classes: ${listNames(labels.map((label) => reading(classes, label)))}`;
}
