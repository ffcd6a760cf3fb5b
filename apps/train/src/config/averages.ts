/** Weights of a run, trained and averaged, and their place in its state; samples are drawn from the first average. */
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

/** Weights of a run: their name on a command line, and the place in its state that their tensors' names begin with. */
export interface WeightsChoice {
  readonly name: string;
  readonly place: string;
}

/** Name of the trained weights themselves, and the names by which weights are known beside those in the list of a run. */
export const TRAINED = 'model';
const ALIASES: Readonly<Record<string, number>> = { params: 0, ema: 1 };

/** Every set of weights that a run keeps: the trained ones, and their averages. */
const weightsOf = (ema: EmaChoice): readonly WeightsChoice[] => [
  { name: TRAINED, place: 'params' },
  ...averageNames(ema).map((name, index) => ({ name, place: `ema.${index}` })),
];

/**
 * The weights called `name` of a run: `model` or `params` for the trained ones, `ema` for the first average, or the name of an average;
 * by default the first average.
 * @throws where the run keeps no such weights.
 */
export function chooseWeights(ema: EmaChoice, name = 'ema'): WeightsChoice {
  const all = weightsOf(ema);
  const found = all[ALIASES[name] ?? all.findIndex((one) => one.name === name)];
  if (found !== undefined) return found;
  throw userError(
    `The run keeps no weights "${name}": it has ${all.map((one) => one.name).join(', ')}, where ${TRAINED} is the trained ones and the others are averages.`,
  );
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
