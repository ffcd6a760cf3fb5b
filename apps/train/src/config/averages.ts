/** The averages of the weights that a run keeps, and where they lie in its state; samples are drawn from the first. */
import { userError } from '@ahpa/messages';
import type { AverageOptions } from '@ahpa/trainer';
import type { TrainConfig } from './types.ts';

/** The averages of a configuration in the order of the state's `ema`: decays first, then widths. */
export function averages({ decay, sigmaRel }: TrainConfig['ema']): readonly AverageOptions[] {
  return [...[decay].flat().map((d) => ({ decay: d })), ...sigmaRel.map((s) => ({ sigmaRel: s }))];
}

/** An average as it is named on a command line: `0.9999`, or `sigma=0.05`. */
export const averageName = (average: AverageOptions): string =>
  'decay' in average ? `${average.decay}` : `sigma=${average.sigmaRel}`;

/** Index in the state's `ema` of the average that `name` means, the first where there is no name. */
export function chooseAverage(ema: TrainConfig['ema'], name?: string): number {
  if (name === undefined) return 0;
  const names = averages(ema).map(averageName);
  const index = names.indexOf(name);
  if (index >= 0) return index;
  throw userError(`The run keeps no average "${name}": it has ${names.join(', ')}.`);
}

/** Where the denoiser of average `index` lies among the tensors of a checkpoint. */
export const denoiserPrefix = (index = 0): string => `ema.${index}.denoiser.`;

/**
 * The tensors of a checkpoint under today's names: before runs kept several averages, the only one lay under `ema`; before weight
 * schedules owned their state, a module's lay under `memory`.
 */
export function withTodaysNames<T>(tensors: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  const renamed = Object.entries(tensors).map(([name, tensor]) => [
    name.replace(/^ema\.(?!\d)/, 'ema.0.').replace(/^memory\.(?!own\.|schedule\.)/, 'memory.own.'),
    tensor,
  ]);
  return Object.fromEntries(renamed);
}
