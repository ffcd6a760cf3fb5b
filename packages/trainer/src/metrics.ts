/** Conversion of device metrics to report rows: plain numbers, averaged over the steps since the last report. */
import type { Metrics } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Metrics as plain numbers; a scalar is a number, anything else its flat values. */
export type Row = Readonly<Record<string, number | readonly number[]>>;

/** One metric at every step, step-major: `size` values a step, one of them if `scalar`. */
export interface Column {
  readonly size: number;
  readonly scalar: boolean;
  readonly values: tf.TypedArray;
}

/** The metrics of several steps by name. */
export type Window = ReadonlyMap<string, Column>;

/** Reads the metrics of several steps, one transfer a name, and disposes them. */
export async function readWindow(steps: readonly Metrics[]): Promise<Window> {
  const names = Object.keys(steps[0] ?? {});
  const stacked = names.map((name) => tf.stack(steps.map((metrics) => metrics[name] as tf.Tensor)));
  const window = new Map<string, Column>();
  const values = await Promise.all(stacked.map((tensor) => tensor.data()));
  names.forEach((name, i) => {
    const { size, rank } = stacked[i] as tf.Tensor;
    window.set(name, { size: size / steps.length, scalar: rank === 1, values: values[i] as tf.TypedArray });
  });
  tf.dispose(stacked);
  for (const metrics of steps) tf.dispose(Object.values(metrics));
  return window;
}

/** Mean over the steps that `counts`. */
function mean({ size, values }: Column, counts: (step: number) => boolean): number[] {
  const sums = new Array<number>(size).fill(0);
  let steps = 0;
  for (let step = 0; step * size < values.length; step++) {
    if (!counts(step)) continue;
    steps++;
    for (let i = 0; i < size; i++) sums[i] = (sums[i] as number) + (values[step * size + i] as number);
  }
  return sums.map((sum) => sum / steps);
}

/**
 * The mean row of a window. Skipped steps (`applied` 0) count in `applied` only. A pair `x.sum`, `x.count` becomes `x`, the sum of all
 * sums over the sum of all counts. NaN where nothing was counted.
 */
export function meanRow(window: Window): Row {
  const applied = window.get('applied')?.values;
  const isApplied = (step: number): boolean => applied?.[step] !== 0;
  const row: Record<string, number | readonly number[]> = {};
  for (const [name, column] of window) {
    if (name.endsWith('.count') && window.has(name.replace(/count$/, 'sum'))) continue;
    const counts = name.endsWith('.sum') ? window.get(name.replace(/sum$/, 'count')) : undefined;
    const means = mean(column, name === 'applied' ? () => true : isApplied);
    const divisors = counts === undefined ? undefined : mean(counts, isApplied);
    const values = means.map((value, i) => value / (divisors?.[i] ?? 1));
    row[counts === undefined ? name : name.slice(0, -'.sum'.length)] = column.scalar
      ? (values[0] as number)
      : values;
  }
  return row;
}
