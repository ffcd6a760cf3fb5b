/** The table of Hugging Face's ImageFolder: `metadata.csv` or `metadata.jsonl`, a row an image. */
import { parse } from 'csv-parse/sync';
import { chooseColumn, isLabelName } from './choose-column.ts';
import { absentFiles, type LabelList, type ListedLabels } from './label-list.ts';
import { textLabels, valueLabels } from './labels.ts';

type Row = Readonly<Record<string, unknown>>;

/** Column of the paths, relative to the table. */
const FILE = 'file_name';

function parseLines(text: string, path: string): Row[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as Row];
    } catch (cause) {
      throw new Error(`${path}: line ${index + 1} is not JSON (${(cause as Error).message}).`, { cause });
    }
  });
}

function parseCsv(text: string, path: string): Row[] {
  try {
    return parse(text, { columns: true, bom: true, skip_empty_lines: true }) as Row[];
  } catch (cause) {
    throw new Error(`${path} is no CSV table (${(cause as Error).message}).`, { cause });
  }
}

/** Label of every listed file, by path; `value` reads it from a row. */
function labelByFile(rows: readonly Row[], path: string, column: string): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const row of rows) {
    const file = String(row[FILE]).replace(/^(\.\/)+/, '');
    if (found.has(file) && found.get(file) !== row[column])
      throw new Error(`${path} lists ${file} twice, with different labels in "${column}".`);
    found.set(file, row[column]);
  }
  return found;
}

/**
 * Labels of `files` from a table; or what the table lacks, in a sentence.
 * @throws Error where the table cannot be read, a file has no row or no label, or several columns may be the label
 */
export function tableLabels(
  files: readonly string[],
  { path, text }: LabelList,
  asked: string | undefined,
): ListedLabels | { readonly lacks: string } {
  const isCsv = path.endsWith('.csv');
  const rows = isCsv ? parseCsv(text, path) : parseLines(text, path);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const candidates = columns.filter(isLabelName);
  const column = chooseColumn({ path, kind: 'label', columns, candidates, asked });
  const missing = columns.includes(FILE) ? 'label' : FILE;
  if (column === undefined || missing === FILE)
    return { lacks: `${path} has no column "${missing}" among ${columns.join(', ')}` };
  const byFile = labelByFile(rows, path, column);
  const without = files.filter((file) => !byFile.has(file));
  if (without.length > 0)
    throw new Error(
      `${path} has no row for ${without.length} of the ${files.length} images (${without[0]}), wanted one for every image.`,
    );
  const values = files.map((file) => byFile.get(file));
  const place = (row: number): string => `${path}: ${files[row]}`;
  const labelling = isCsv ? textLabels(values as string[], place) : valueLabels(values, place);
  return {
    ...labelling,
    notes: [`Labels from column "${column}" of ${path}.`, ...absentFiles(path, byFile.keys(), files)],
  };
}
