/** Given weights, such as those that another run has learned. */
import { section } from '@ahpa/options';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { lookUp } from '../bins.ts';
import { defineRouter } from '../kind.ts';
import { fixedWeights, time } from './fixed-weights.ts';

/** Weights of every group in equal bins of t. */
export const table = defineRouter({
  kind: 'table',
  label: 'Given weights, such as those that another run has learned.',
  options: section({
    weights: z
      .record(z.string(), z.array(z.number().min(0)).min(1))
      .describe('Weights of every group in equal bins of t, as many for each; rows are brought to sum 1.'),
    time,
  }),
  create: ({ weights, time }, { groups, seed }) => {
    const rows = tableRows(weights, groups);
    return fixedWeights(time, seed, (t) => lookUp(tf.tensor2d(rows), t));
  },
});

/** Rows of sum 1, `[bins][G]`. */
function tableRows(
  weights: Readonly<Record<string, readonly number[]>>,
  names: readonly string[],
): number[][] {
  const columns = names.map((name) => weights[name] ?? []);
  const bins = columns[0]?.length ?? 0;
  if (
    Object.keys(weights).length !== names.length ||
    bins === 0 ||
    columns.some(({ length }) => length !== bins)
  ) {
    const got = Object.entries(weights).map(([name, { length }]) => `${length} for ${name}`);
    throw new RangeError(
      `alignment.router.weights: wanted as many weights for each of ${names.join(', ')}, got ${got.join(', ')}.`,
    );
  }
  return Array.from({ length: bins }, (_, bin) => {
    const row = columns.map((column) => column[bin] as number);
    const sum = row.reduce((a, b) => a + b, 0);
    if (sum === 0) {
      throw new RangeError(`alignment.router.weights: all are 0 in bin ${bin}, wanted one above.`);
    }
    return row.map((weight) => weight / sum);
  });
}
