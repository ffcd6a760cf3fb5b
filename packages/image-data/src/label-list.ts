/** Lists of labels as files. */
import type { Labelling } from './labels.ts';

/** A list of labels and where it was read. */
export interface LabelList {
  /** Its path; `.csv` and `.jsonl` are metadata tables, anything else is a `dataset.json`. */
  readonly path: string;
  readonly text: string;
  /** Whether a file that is not listed has the label of the file with its number, as REPA's latents label its images; default false. */
  readonly byNumber?: boolean;
}

/** Labels from a list, with sentences about it. */
export interface ListedLabels extends Labelling {
  readonly notes: readonly string[];
}

/** A sentence about listed files that are not among `files`. */
export function absentFiles(path: string, listed: Iterable<unknown>, files: readonly string[]): string[] {
  const there = new Set<unknown>(files);
  const absent = [...listed].filter((file) => !there.has(file));
  if (absent.length === 0) return [];
  return [
    `${path} lists ${absent.length} more ${absent.length === 1 ? 'file' : 'files'} (${absent[0]}), not there as images.`,
  ];
}
