/** The run's record: one JSON object per line, appended as training goes on. */
import { createReadStream, existsSync } from 'node:fs';
import { appendFile, truncate } from 'node:fs/promises';

/** One row, reported every few steps; losses are means over the batch. */
export interface StatsRow {
  /** Optimisation steps done. */
  readonly step: number;
  /** Images trained on. */
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
  /** Norms and cosines of the gradients at the hidden tokens. */
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

/** The rows, one after the other; none where there is no file. A last line that was cut off is left out, any other bad line is an error. */
export async function* statsRows(path: string): AsyncGenerator<StatsRow> {
  for await (const { row } of readRows(path)) yield row;
}

/** All rows, or where there are more than `most` every second, fourth, ... of them, and the last. */
export async function readStats(path: string, most: number = Number.POSITIVE_INFINITY): Promise<StatsRow[]> {
  let rows: StatsRow[] = [];
  let last: StatsRow | undefined;
  let stride = 1;
  let count = 0;
  for await (const row of statsRows(path)) {
    last = row;
    if (count++ % stride === 0) rows.push(row);
    if (rows.length <= most) continue;
    rows = rows.filter((_, index) => index % 2 === 0);
    stride *= 2;
  }
  return last === undefined || last === rows.at(-1) ? rows : [...rows, last];
}

/** Cuts off the rows after `step` (and a torn last line), so that a run resumed there writes each step once. Resolves to the last that stays. */
export async function rewindStats(path: string, step: number): Promise<StatsRow | undefined> {
  let last: StatsRow | undefined;
  let length = 0;
  for await (const { row, end } of readRows(path)) {
    if (row.step > step) break;
    last = row;
    length = end;
  }
  if (existsSync(path)) await truncate(path, length);
  return last;
}

/** The rows, and the byte at which each ends. */
async function* readRows(path: string): AsyncGenerator<{ readonly row: StatsRow; readonly end: number }> {
  let number = 0;
  let end = 0;
  for await (const line of readLines(path)) {
    end += line.length + 1;
    yield { row: parseRow(line, path, ++number), end };
  }
}

function parseRow(line: Buffer, path: string, number: number): StatsRow {
  try {
    return JSON.parse(line.toString()) as StatsRow;
  } catch (cause) {
    throw new Error(`${path}, line ${number}, is not JSON: repair or delete that line`, { cause });
  }
}

/** The lines of a file that end in a line feed, without it. */
async function* readLines(path: string): AsyncGenerator<Buffer> {
  if (!existsSync(path)) return;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
}

/** The names of the groups that rows report, in the order of first appearance. */
export function groupNames(rows: readonly StatsRow[]): string[] {
  const names = rows.flatMap((row) => [
    ...Object.keys(row).flatMap((key) => (key.startsWith('group.') ? [key.slice('group.'.length)] : [])),
    ...Object.keys(row.route?.weights ?? {}),
  ]);
  return [...new Set(names)];
}
