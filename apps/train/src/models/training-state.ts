/** The whole state of a run in the parts of a PyTorch training checkpoint, for conversion. */

import { type Reporter, userError } from '@ahpa/messages';
import { publishedProjectors, type TrainingParts, toNetwork } from '@ahpa/sit-models';
import type { TensorEntry } from '@ahpa/weight-files';
import { chooseWeights, TRAINED } from '../config/averages.ts';
import { readCheckpoint, runMeta } from '../records/checkpoints.ts';
import { type LoadOptions, openCheckpoint, tensorsUnder } from './load-model.ts';
import { isModelFolder } from './model-folder.ts';
import { modelConfig } from './shapes.ts';
import type { TrainedModel } from './trained-model.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** The parts of REPA's training checkpoint by the place they have in a run's state. */
const partsOf = (average: string): readonly (readonly [part: string, place: string])[] => [
  ['model', 'params'],
  ['ema', average],
  ['exp_avg', 'moments.m'],
  ['exp_avg_sq', 'moments.v'],
];

/** Heads and router of a run's model, of the same weights; empty for an exported folder, which has none. */
export async function readAlignment({ config, source, average }: TrainedModel): Promise<Tensors> {
  if (config === undefined) return {};
  const { tensors } = await readCheckpoint(source, (name) => /^(params|ema)\.(\d+\.)?alignment\./.test(name));
  return tensorsUnder(tensors, `${chooseWeights(config.ema, average).place}.alignment.`);
}

/** Heads of an alignment that have a published form, and the names of all other tensors of it. */
export function publishedHeads(
  alignment: Tensors,
  hiddenSize: number,
): { readonly heads: Tensors; readonly left: readonly string[] } {
  const projectors = Object.entries(alignment).filter(([name]) => name.startsWith('projectors.'));
  const heads = Object.fromEntries(projectors);
  if (publishedProjectors(heads, hiddenSize) === undefined)
    return { heads: {}, left: Object.keys(alignment) };
  return { heads, left: Object.keys(alignment).filter((name) => !(name in heads)) };
}

/**
 * Weights, their average and AdamW's moments of a checkpoint of a run, or of a checkpoint file, under REPA's names.
 * @throws where `place` has no training state.
 */
export async function readTrainingState(
  place: string,
  options: LoadOptions,
  reporter: Reporter,
): Promise<TrainingParts> {
  if (isModelFolder(place)) {
    throw userError(`${place} is an exported model, weights without training state: leave --part all away.`);
  }
  const checkpoint = await openCheckpoint(place, options, reporter);
  const { config, shape } = runMeta(checkpoint);
  const chosen = chooseWeights(config.ema, options.ema);
  if (chosen.name === TRAINED) {
    throw userError(
      'A whole checkpoint has the trained weights beside an average: name an average with --ema.',
    );
  }
  const network = toNetwork(modelConfig(config.model, shape));
  const { heads, left } = publishedHeads(
    tensorsUnder(checkpoint.tensors, 'params.alignment.'),
    network.hiddenSize,
  );
  const parts = partsOf(chosen.place).map(([part, path]) => {
    const below = tensorsUnder(checkpoint.tensors, `${path}.alignment.`);
    const own = Object.keys(heads).map((name) => [name, below[name] as TensorEntry] as const);
    const denoiser = tensorsUnder(checkpoint.tensors, `${path}.denoiser.`);
    return { part, tensors: { ...denoiser, ...Object.fromEntries(own) } };
  });
  const [model, average, first, second] = parts.map(({ tensors }) => tensors) as [
    Tensors,
    Tensors,
    Tensors,
    Tensors,
  ];
  const muon = Object.keys(model).filter((name) => second[name]?.shape.join() !== model[name]?.shape.join());
  return {
    parts: [
      { part: 'model', tensors: model },
      { part: 'ema', tensors: average },
      { part: 'exp_avg', tensors: without(first, muon) },
      { part: 'exp_avg_sq', tensors: without(second, muon) },
    ],
    updates: checkpoint.step - scalarOf(checkpoint.tensors['skipped']),
    steps: checkpoint.step,
    network,
    left: [...left, ...muon.map((name) => `exp_avg.${name} (Muon's)`)],
  };
}

const without = (tensors: Tensors, names: readonly string[]): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));

/** The value of an int32 scalar; 0 where it is absent. */
function scalarOf(entry: TensorEntry | undefined): number {
  if (entry === undefined) return 0;
  return new DataView(entry.data.buffer, entry.data.byteOffset, 4).getInt32(0, true);
}
