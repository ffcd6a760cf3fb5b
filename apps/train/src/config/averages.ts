/** Moving averages of a run's weights and their place in its state; samples are drawn from the first. */
import { userError } from '@ahpa/messages';
import type { AverageOptions } from '@ahpa/trainer';
import type { EmaChoice } from './types.ts';

/** The averages of a configuration in the order of the state's `ema`: decays first, then widths. */
export function averages({ decay, sigmaRel }: EmaChoice): readonly AverageOptions[] {
  return [...[decay].flat().map((d) => ({ decay: d })), ...sigmaRel.map((s) => ({ sigmaRel: s }))];
}

/** Names of the averages on a command line, in the same order: `0.9999`, or `sigma=0.05`. */
export const averageNames = (ema: EmaChoice): readonly string[] =>
  averages(ema).map((average) => ('decay' in average ? `${average.decay}` : `sigma=${average.sigmaRel}`));

/**
 * Index in the state's `ema` of the average called `name`, by default the first.
 * @throws where the run keeps no such average.
 */
export function chooseAverage(ema: EmaChoice, name?: string): number {
  if (name === undefined) return 0;
  const names = averageNames(ema);
  const index = names.indexOf(name);
  if (index >= 0) return index;
  throw userError(`The run keeps no average "${name}": it has ${names.join(', ')}.`);
}

/** Prefix of the denoiser of average `index` among the tensors of a checkpoint. */
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
