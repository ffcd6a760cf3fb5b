/** The run's record: one JSON object per line, appended as training goes on. */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { writeDurably } from '@ahpa/checkpoint';

/** What is reported every few steps; losses are means over the batch. */
export interface StatsRow {
  /** Optimisation steps done. */
  readonly step: number;
  /** Images seen. */
  readonly images: number;
  /** Wall time since the run began, over all its sessions, in seconds. */
  readonly seconds: number;
  /** Denoising loss plus the weighted alignment loss. */
  readonly loss: number;
  readonly denoising: number;
  /** Alignment loss before its weight; absent without alignment. */
  readonly alignment?: number;
  /** Weight of the alignment loss in `loss`. */
  readonly alignmentWeight?: number;
  /** Norm of all gradients before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Alignment loss of one group of features. */
  readonly [group: `group.${string}`]: number;
  /** Distance of each group in ten equal bins of t; null where no item fell. */
  readonly groupByTime?: Readonly<Record<string, readonly (number | null)[]>>;
  /** Mean weight of each group over the batch, and the mean entropy of the weights in nats. */
  readonly marginals?: Readonly<Record<string, number>>;
  readonly routerEntropy?: number;
  /** Largest absolute logit of a learned router. */
  readonly maxLogit?: number;
  /** What pulls at the hidden tokens, and how hard. */
  readonly gradients?: GradientRow;
  /** The router's weight of each group at the times `t` in [0, 1]; 0 is data, 1 is noise. */
  readonly route?: {
    readonly t: readonly number[];
    readonly weights: Readonly<Record<string, readonly number[]>>;
  };
}

/** Gradients with respect to the hidden tokens: of the denoising loss, of the whole alignment as it is weighted, of each of its terms. */
export interface GradientRow {
  /** Mean norm over items, of the gradient of each item's own loss. */
  readonly norm: Readonly<Record<'denoising' | 'alignment' | (string & {}), number>>;
  /** Mean cosine with the denoising gradient, and the same in ten bins of t (null where no item fell). */
  readonly cosine: Readonly<Record<string, number>>;
  readonly cosineByTime: Readonly<Record<string, readonly (number | null)[]>>;
  /** Norm of the gradient with respect to the alignment's own parameters, by part (heads, router). */
  readonly parameters: Readonly<Record<string, number>>;
}

/** Adds a row at the end of a file of rows. */
export async function appendStats(path: string, row: StatsRow): Promise<void> {
  await appendFile(path, `${JSON.stringify(row)}\n`);
}

/** Reads all rows; a last line that was cut off while being written is left out, any other bad line is an error. */
export async function readStats(path: string): Promise<StatsRow[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  lines.pop();
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as StatsRow;
    } catch (cause) {
      throw new Error(`${path}, line ${index + 1}, is not JSON: repair or delete that line`, { cause });
    }
  });
}

/** Drops the rows after `step` (and a torn last line), so that a run resumed there writes each step once. */
export async function rewindStats(path: string, step: number): Promise<void> {
  if (!existsSync(path)) return;
  const rows = (await readStats(path)).filter((row) => row.step <= step);
  await writeDurably(path, [Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))]);
}

/** The names of the groups that rows report, in the order of first appearance. */
export function groupNames(rows: readonly StatsRow[]): string[] {
  const names = rows.flatMap((row) => [
    ...Object.keys(row).flatMap((key) => (key.startsWith('group.') ? [key.slice('group.'.length)] : [])),
    ...Object.keys(row.route?.weights ?? {}),
  ]);
  return [...new Set(names)];
}
