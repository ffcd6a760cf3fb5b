/** Models of this program, runs and exported folders, as a format beside the published ones. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Reporter, userError } from '@ahpa/messages';
import {
  diffusersFolder,
  type OpenedModel,
  type OpenOptions,
  type OwnFolder,
  type OwnFormat,
  openModelFile,
  openWeights,
  toNetwork,
} from '@ahpa/sit-models';
import type { Network } from '@ahpa/sit-weights';
import { isIndex, isTorch, readSafetensors } from '@ahpa/weight-files';
import { TRAINED } from '../config/averages.ts';
import { parseTrainConfig } from '../config/parse.ts';
import { type LoadOptions, loadModel } from './load-model.ts';
import { isModelFolder, readModelFolder, writeModelFolder } from './model-folder.ts';
import type { TrainedModel } from './trained-model.ts';
import { publishedHeads, readAlignment, readTrainingState } from './training-state.ts';

/** What to load of a run; `part` names weights as `ema` does, under the names of a training checkpoint. */
export type WeightsOptions = LoadOptions & { readonly part?: string };

/** Name of the format, an exported folder. */
export const AHPA_FORM = 'ahpa';

/** The format of runs below `runs` and exported folders; a written folder decodes with `vae`, a path as seen from it. */
export function ahpaFormat(
  options: WeightsOptions & { readonly vae: string },
  reporter: Reporter,
): OwnFormat<TrainedModel> {
  return {
    form: AHPA_FORM,
    open: (path) => openOwn(path, options, reporter),
    openTraining: async (path) => {
      if (await isOwn(path, options.runs)) return readTrainingState(path, options, reporter);
      assertNoRunOptions(path, options);
      return undefined;
    },
    write: async (folder, { source, state, own }) => {
      const model = own ?? withDefaults(source, state.network);
      await writeModelFolder(folder, { ...model, weights: state.trunk }, { kind: 'file', path: options.vae });
    },
  };
}

/** The network at `path`: a model of this program or published weights. @throws one sentence where it does not fit. */
export async function openModel(
  path: string,
  options: OpenOptions & WeightsOptions,
  reporter: Reporter,
): Promise<OpenedModel<TrainedModel>> {
  const own = await openOwn(path, options, reporter);
  if (own !== undefined) return own;
  const opened = await openModelFile(path, options);
  if (opened.prefix)
    reporter.say(`${opened.source}: the network is read from the tensors under "${opened.prefix}".`);
  return opened;
}

/** An exported folder for inspection; undefined where `folder` is none. */
export async function readExportedFolder(folder: string): Promise<OwnFolder | undefined> {
  if (!isModelFolder(folder)) return undefined;
  const { weights, network, step, source, classes, counts, vae } = await readModelFolder(folder);
  return {
    file: source,
    kind: 'exported model',
    ...(step !== undefined && { step }),
    metadata: { classes, ...(counts && { counts }), vae },
    network: toNetwork(network),
    weights,
  };
}

async function openOwn(
  path: string,
  options: WeightsOptions,
  reporter: Reporter,
): Promise<OpenedModel<TrainedModel> | undefined> {
  if (!(await isOwn(path, options.runs))) {
    assertNoRunOptions(path, options);
    return undefined;
  }
  const model = await loadModel(path, withPart(options), reporter);
  const opened = openWeights(model.weights, model.network, model.source);
  const { heads, left } = publishedHeads(await readAlignment(model), model.network.hiddenSize);
  return { ...opened, state: { ...opened.state, heads }, part: model.average, unknown: left, own: model };
}

/** The options with the part as the name of the weights. */
function withPart({ part, ...options }: WeightsOptions): LoadOptions {
  if (part === undefined) return options;
  if (options.ema === undefined) return { ...options, ema: part };
  if (part === 'ema' && options.ema !== TRAINED) return options;
  throw userError(`Both --part ${part} and --ema ${options.ema} name the weights: give one of them.`);
}

/** Refuses the options of a run for published weights. */
function assertNoRunOptions(path: string, { ema, at }: LoadOptions): void {
  const [given] = [...(ema === undefined ? [] : ['--ema']), ...(at === undefined ? [] : ['--at'])];
  if (given !== undefined)
    throw userError(
      `${path} is no run of this program: leave ${given} away, or name its weights with --part.`,
    );
}

async function isOwn(path: string, runs: string): Promise<boolean> {
  if (path.startsWith('hf:')) return true;
  if (!existsSync(path)) return existsSync(join(runs, path));
  if (isModelFolder(path)) return diffusersFolder(path) === undefined;
  if (statSync(path).isDirectory()) return existsSync(join(path, 'checkpoints'));
  if (isIndex(path) || (await isTorch(path))) return false;
  return (await readSafetensors(path, () => false)).metadata['schema'] !== undefined;
}

/** The sampler of DiT's own programs; their guidance leaves the fourth channel alone. */
const DIT_SAMPLING = { sampler: 'ddpm', steps: 250, guidanceChannels: 3 } as const;

/** A model around published weights, the rest from the default configuration. */
function withDefaults(source: string, network: Network): Omit<TrainedModel, 'weights'> {
  const { sample, interpolant, vae } = parseTrainConfig({});
  const { latentSize, latentChannels, classes } = network;
  return {
    source,
    step: undefined,
    network: { ...network, encoderDepths: [] },
    shape: { latentSize, latentChannels, classes },
    classes: Array.from({ length: classes }, (_, label) => `${label}`),
    vae,
    interpolant,
    sample: network.convention === 'dit' ? { ...sample, ...DIT_SAMPLING } : sample,
    average: 'converted',
  };
}
