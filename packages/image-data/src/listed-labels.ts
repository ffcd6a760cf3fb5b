/** Labels from a list of any kind. */
import { pairLabels } from './dataset-json.ts';
import type { LabelList, ListedLabels } from './label-list.ts';
import { tableLabels } from './metadata-table.ts';

/** Names of lists that label the files beside and below them, in the order in which they are looked for. */
export const LABEL_LISTS: readonly string[] = ['dataset.json', 'metadata.csv', 'metadata.jsonl'];

/** Labels of `files`, or what the list lacks. @throws Error where a file has no valid label */
export function findListedLabels(
  files: readonly string[],
  list: LabelList,
  labelColumn: string | undefined,
): ListedLabels | { readonly lacks: string } {
  if (/\.(csv|jsonl)$/.test(list.path)) return tableLabels(files, list, labelColumn);
  if (labelColumn === undefined) return pairLabels(files, list);
  throw new Error(`${list.path} is no table: it has no column "${labelColumn}".`);
}

/** Labels of `files`. @throws Error where a file has no valid label, or the list has no labels */
export function listedLabels(
  files: readonly string[],
  list: LabelList,
  labelColumn: string | undefined,
): ListedLabels {
  const found = findListedLabels(files, list, labelColumn);
  if ('lacks' in found) throw new Error(`${found.lacks}, wanted both file names and labels.`);
  return found;
}
