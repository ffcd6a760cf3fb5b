/** Columns of tables that hold images or labels. */

/** Options that choose columns of Parquet files and metadata tables, or fields of WebDataset samples. */
export interface ColumnOptions {
  /** Column of the images; of WebDataset samples, the extension. */
  readonly imageColumn?: string | undefined;
  /** Column of the labels; of WebDataset samples, `cls` or a key of their `.json`. */
  readonly labelColumn?: string | undefined;
}

const LABEL =
  /^(labels?|class(es)?|cls|categor(y|ies)|targets?|(class|label|category|target)[_-]?(id|idx|index|name)|.+_(label|class))$/i;

/** Whether a column's name is that of labels. */
export const isLabelName = (name: string): boolean => LABEL.test(name);

/** Columns to choose from. */
export interface ColumnChoice {
  /** Path of the table, for messages. */
  readonly path: string;
  readonly kind: 'image' | 'label';
  readonly columns: readonly string[];
  /** Those that may be it. */
  readonly candidates: readonly string[];
  /** The one that is asked for. */
  readonly asked: string | undefined;
  /** Names that are preferred, best first; default the kind. */
  readonly preferred?: readonly string[];
}

/**
 * The column that is asked for, the preferred candidate, or the only one; undefined where there is none.
 * @throws Error where the one that is asked for is absent, or there are several candidates
 */
export function chooseColumn(choice: ColumnChoice): string | undefined {
  const { path, kind, columns, candidates, asked, preferred = [kind] } = choice;
  if (asked !== undefined) {
    if (columns.includes(asked)) return asked;
    throw new Error(`${path}: there is no column "${asked}" among ${columns.join(', ')}.`);
  }
  const best = preferred.find((name) => candidates.includes(name)) ?? candidates[0];
  if (candidates.length <= 1 || preferred.includes(best as string)) return best;
  throw new Error(
    `${path}: ${candidates.join(', ')} may each be the ${kind}: choose one with --${kind}-column (data.${kind}Column).`,
  );
}
