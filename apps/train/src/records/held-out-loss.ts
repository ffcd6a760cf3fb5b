/** Held-out losses of a run: a file for each step, and their means, alone and paired. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import { openNpy, toFloat32, writeNpy } from '@ahpa/weight-files';
import { type RunFolder, stepName } from './folder.ts';

/** Bins of t. */
export const BINS = 10;

/** Loss of each example in each bin, `[n, BINS]` row-major. */
export interface HeldOutLoss {
  readonly n: number;
  readonly values: Float32Array;
}

/** A mean and its standard error over examples. */
export interface MeanError {
  readonly mean: number;
  readonly standardError: number;
}

/** A loss over all times, and in each bin. */
export interface LossSummary extends MeanError {
  readonly byTime: readonly MeanError[];
}

const lossFolder = ({ root }: Pick<RunFolder, 'root'>): string => join(root, 'evaluation');
const NAME = /^loss-(\d{7,})\.npy$/;

/** File of the losses of a step. */
export const lossPath = (folder: Pick<RunFolder, 'root'>, step: number): string =>
  join(lossFolder(folder), `loss-${stepName(step)}.npy`);

/** Steps of a run that have losses, ascending. */
export async function lossSteps(folder: Pick<RunFolder, 'root'>): Promise<number[]> {
  const names = await readdir(lossFolder(folder)).catch(() => []);
  return names.flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
}

/** Writes the losses of a step. */
export async function writeLoss(
  folder: Pick<RunFolder, 'root'>,
  step: number,
  { n, values }: HeldOutLoss,
): Promise<void> {
  await mkdir(lossFolder(folder), { recursive: true });
  const data = new Uint8Array(values.buffer);
  await writeNpy(lossPath(folder, step), { dtype: 'F32', shape: [n, BINS], data });
}

/** Reads the losses of a step. */
export async function readLoss(folder: Pick<RunFolder, 'root'>, step: number): Promise<HeldOutLoss> {
  const file = await openNpy(lossPath(folder, step));
  try {
    return { n: file.shape[0] as number, values: toFloat32(await file.read()) };
  } finally {
    await file.close();
  }
}

function meanError(values: readonly number[]): MeanError {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** Means over examples, with their standard errors. */
export function summarize({ n, values }: HeldOutLoss): LossSummary {
  const rows = Array.from({ length: n }, (_, i) => values.subarray(i * BINS, (i + 1) * BINS));
  const whole = rows.map((row) => row.reduce((a, b) => a + b, 0) / BINS);
  const bin = (b: number): MeanError => meanError(rows.map((row) => row[b] as number));
  return { ...meanError(whole), byTime: Array.from({ length: BINS }, (_, b) => bin(b)) };
}

/**
 * Losses of `a` minus those of `b`, example by example.
 * @throws where they are not of the same examples
 */
export function pairedLoss(a: HeldOutLoss, b: HeldOutLoss): LossSummary {
  if (a.n !== b.n)
    throw userError(`The held-out losses are of ${a.n} and of ${b.n} examples: they are not paired.`);
  return summarize({ n: a.n, values: a.values.map((value, i) => value - (b.values[i] as number)) });
}
