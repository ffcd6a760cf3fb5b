/** Moving averages of a run's weights and their place in its state; samples are drawn from the first. */

import { userError } from '@ahpa/messages';
import { type EmaConfig, powerOf } from '@ahpa/trainer';
import type { EmaChoice } from './types.ts';

/** An average: its constant decay per step, or the relative width of its power function. */
export type Average = { readonly decay: number } | { readonly sigmaRel: number };

/** The averages of a configuration in the order of the state's `ema`: decays first, then widths. */
export function averagesOf({ decay, sigmaRel }: EmaChoice): readonly Average[] {
  return [...[decay].flat().map((d) => ({ decay: d })), ...sigmaRel.map((s) => ({ sigmaRel: s }))];
}

/** An average as an option of the trainer. */
export const emaConfig = (average: Average): EmaConfig =>
  'decay' in average
    ? { kind: 'constant', decay: average.decay }
    : { kind: 'power', gamma: powerOf(average.sigmaRel) };

/** Name of an average on a command line: `0.9999`, or `sigma=0.05`. */
export const averageName = (average: Average): string =>
  'decay' in average ? `${average.decay}` : `sigma=${average.sigmaRel}`;

/**
 * Index in the state's `ema` of the average called `name`, by default the first.
 * @throws where the run keeps no such average.
 */
export function chooseAverage(ema: EmaChoice, name?: string): number {
  if (name === undefined) return 0;
  const names = averagesOf(ema).map(averageName);
  const index = names.indexOf(name);
  if (index >= 0) return index;
  throw userError(`The run keeps no average "${name}": it has ${names.join(', ')}.`);
}

/** Prefix of the denoiser of average `index` among the tensors of a checkpoint. */
export const denoiserPrefix = (index = 0): string => `ema.${index}.denoiser.`;

/** The tensors of a checkpoint under today's names: before runs kept several averages, the only one lay under `ema`. */
export function withAverageNames<T>(tensors: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  const renamed = Object.entries(tensors).map(([name, tensor]) => [
    name.replace(/^ema\.(?!\d)/, 'ema.0.'),
    tensor,
  ]);
  return Object.fromEntries(renamed);
}
