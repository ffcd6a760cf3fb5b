/** Labels of WebDataset samples: their `.cls`, or a key of their `.json`. */
import { chooseColumn, isLabelName } from './choose-column.ts';
import type { ListedLabels } from './label-list.ts';
import { type Labelling, textLabels, valueLabels } from './labels.ts';
import { readText, type Sample } from './samples.ts';

const place =
  (samples: readonly Sample[]) =>
  (row: number): string => {
    const { tree, key } = samples[row] as Sample;
    return `${tree.path}: sample ${key}`;
  };

/** The record in the `.json` of a sample; empty where it has none. @throws Error where it is no JSON */
export async function readJson(sample: Sample): Promise<Readonly<Record<string, unknown>>> {
  const where = `${sample.tree.path}: sample ${sample.key}`;
  if (!sample.fields.has('json')) return {};
  try {
    const value = JSON.parse(await readText(sample, 'json')) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (cause) {
    throw new Error(`${where} has no JSON in its .json (${(cause as Error).message}).`, { cause });
  }
}

async function classFiles(samples: readonly Sample[]): Promise<Labelling> {
  const texts: string[] = [];
  for (const sample of samples) texts.push(sample.fields.has('cls') ? await readText(sample, 'cls') : '');
  return textLabels(texts, place(samples));
}

/**
 * Labels from `.cls` where a sample has one, otherwise from the key of `.json` that is named like labels; `asked` is `cls` or a key.
 * @throws Error where a sample has no label, or no or several keys may be it
 */
export async function sampleLabels(
  samples: readonly Sample[],
  asked: string | undefined,
): Promise<ListedLabels> {
  if (asked === 'cls' || (asked === undefined && samples.some(({ fields }) => fields.has('cls'))))
    return { ...(await classFiles(samples)), notes: ['Labels from .cls.'] };
  const records: Readonly<Record<string, unknown>>[] = [];
  for (const sample of samples) records.push(await readJson(sample));
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const path = place(samples)(0);
  const candidates = columns.filter(isLabelName);
  const key = chooseColumn({ path, kind: 'label', columns, candidates, asked });
  if (key === undefined)
    throw new Error(
      `${path} has no .cls, and no label among the keys of .json (${columns.join(', ') || 'none'}): name one with --label-column (data.labelColumn).`,
    );
  const values = records.map((record) => record[key]);
  return { ...valueLabels(values, place(samples)), notes: [`Labels from the key "${key}" of .json.`] };
}
