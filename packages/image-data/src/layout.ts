/** Layouts of folders around classes: a wrapper, and parts such as train and val. */
import { LABEL_LISTS } from './listed-labels.ts';

/** Names of parts of a data set, as Hugging Face's `datasets` knows them. */
const SPLIT = /^(train|training|validation|valid|dev|val|test|testing|eval|evaluation)$/i;

/** Whether a folder's name is that of a part of a data set. */
export const isSplit = (name: string): boolean => SPLIT.test(name);

const topOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] as string) : '');

/**
 * The folder in which all images lie and that is no class itself, since it holds a list of labels or several folders of
 * images alone; undefined where there is none.
 */
export function wrapper(images: readonly string[], files: readonly string[]): string | undefined {
  const [top, ...others] = new Set(images.map(topOf));
  if (!top || others.length > 0 || LABEL_LISTS.some((name) => files.includes(name))) return undefined;
  const below = (paths: readonly string[]): string[] =>
    paths.filter((path) => path.startsWith(`${top}/`)).map((path) => path.slice(top.length + 1));
  const [inner, rest] = [below(images), below(files)];
  if (LABEL_LISTS.some((name) => rest.includes(name))) return top;
  const folders = new Set(inner.map(topOf));
  if (folders.has('')) return undefined;
  if (folders.size > 1) return top;
  const deeper = wrapper(inner, rest);
  return deeper === undefined ? undefined : `${top}/${deeper}`;
}

/** Refuses class folders that are parts of a data set. @throws Error with the remedy */
export function refuseSplits(classes: readonly string[], path: string, within?: string): void {
  if (classes.length < 2 || !classes.every(isSplit)) return;
  const names = [...classes].sort((a, b) => Number(/^train/i.test(b)) - Number(/^train/i.test(a)));
  throw new Error(
    `${path}: the folders ${classes.join(', ')} are parts of a data set, not classes: choose one with --within ${within === undefined ? '' : `${within}/`}${names[0]} (data.within).`,
  );
}
