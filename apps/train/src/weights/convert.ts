/** Turns the weights of a network into the form that another tool reads: names, shapes and conventions, not values. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import {
  type Convention,
  changeConvention,
  diffusersConfig,
  type Network,
  readState,
  type SitState,
  writeState,
} from '@ahpa/sit-weights';
import { type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import { parseTrainConfig } from '../config/parse.ts';
import type { Reporter } from '../report.ts';
import { writeModelFolder } from '../run/model-folder.ts';
import type { TrainedModel } from '../run/trained-model.ts';
import { readTraining } from './file-parts.ts';
import { type OpenNetwork, type OpenOptions, openNetwork } from './open-network.ts';

/** Forms that weights are written in: one file under SiT's names in a convention, or a folder. */
export const FORMS = ['repa', 'sit', 'dit', 'diffusers', 'ahpa'] as const;

/** A form. */
export type Form = (typeof FORMS)[number];

/** What to convert, and what into. */
export interface ConvertRequest extends OpenOptions {
  readonly input: string;
  readonly output: string;
  /** The source's own convention for a file, 'ahpa' for a folder, unless given. */
  readonly to?: Form;
  /** Folder of the VAE that a folder of ours decodes with, as seen from there. */
  readonly vae: string;
}

/** What was written. */
export interface Converted {
  readonly output: string;
  readonly source: string;
  readonly part: string;
  readonly network: Network;
  readonly parameters: number;
  /** Tensors of the source that were not written. */
  readonly left: readonly string[];
}

/** Converts; everything that is not carried over is listed. */
export async function convert(request: ConvertRequest, reporter: Reporter): Promise<Converted> {
  const isFile = request.output.endsWith('.safetensors');
  if (request.part === 'all') return convertTraining(request);
  const opened = await openNetwork(request.input, request, reporter);
  const form = request.to ?? (isFile ? opened.state.network.convention : 'ahpa');
  if (isFile === (form === 'diffusers' || form === 'ahpa')) {
    const wanted = isFile ? 'a folder' : 'a file that ends in .safetensors';
    throw userError(`The form ${form} is ${wanted}, and ${request.output} is not: name another output.`);
  }
  const state = inConvention(opened.state, form);
  const written = await write(opened, state, form, request);
  const parameters = Object.values(state.trunk).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const left = [
    ...opened.unknown,
    ...Object.keys({ ...opened.state.trunk, ...opened.state.heads }).filter((name) => !written.has(name)),
  ];
  const { source, part } = opened;
  return { output: request.output, source, part, network: state.network, parameters, left };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

function inConvention(state: SitState<TensorEntry>, form: Form): SitState<TensorEntry> {
  const wanted: Convention = form === 'ahpa' ? state.network.convention : form === 'diffusers' ? 'dit' : form;
  try {
    return { ...state, ...changeConvention(state.trunk, state.network, wanted) };
  } catch (cause) {
    throw userError((cause as Error).message, { cause });
  }
}

/** Writes the form; the names (SiT's) of what it holds. */
async function write(
  opened: OpenNetwork,
  state: SitState<TensorEntry>,
  form: Form,
  { output, vae }: ConvertRequest,
): Promise<ReadonlySet<string>> {
  if (form === 'ahpa') {
    const model = opened.model ?? modelOf(opened, state.network);
    await writeModelFolder(output, { ...model, weights: state.trunk }, { kind: 'file', path: vae });
    return new Set(Object.keys(state.trunk));
  }
  if (form === 'diffusers') {
    const tensors = writeState(state, 'diffusers');
    await mkdir(output, { recursive: true });
    await writeSafetensors(join(output, 'diffusion_pytorch_model.safetensors'), tensors, { format: 'pt' });
    await writeFile(
      join(output, 'config.json'),
      `${JSON.stringify(diffusersConfig(state.network), null, 2)}\n`,
    );
    return new Set(Object.keys(state.trunk));
  }
  const tensors = writeState(state, 'sit');
  await writeSafetensors(output, tensors, { format: 'pt' });
  return new Set(Object.keys(tensors));
}

/** A model of ours around the weights of others. */
function modelOf({ source }: OpenNetwork, network: Network): Omit<TrainedModel, 'weights'> {
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
    sample,
    average: 'converted',
  };
}

/** A PyTorch training checkpoint as one safetensors file: `model.`, `ema.`, `exp_avg.`, `exp_avg_sq.` before the names. */
async function convertTraining(request: ConvertRequest): Promise<Converted> {
  const { input, output, from, heads, latentSize, dropUnknown } = request;
  if (!output.endsWith('.safetensors')) {
    throw userError(`A whole checkpoint becomes one file: end ${output} in .safetensors.`);
  }
  const { parts, updates, steps } = await readTraining(input);
  const tensors: Record<string, TensorEntry> = {};
  const left: string[] = [];
  let network: Network | undefined;
  let parameters = 0;
  for (const { part, tensors: own } of parts) {
    const known = {
      ...(from && { convention: from }),
      ...(heads && { heads }),
      ...(latentSize && { latentSize }),
    };
    const { state, misfits }: ReturnType<typeof readState<TensorEntry>> = readState(
      own,
      network ? { network } : known,
    );
    if (misfits.unknown.length > 0 && !dropUnknown) {
      throw userError(
        `${input}: ${part} holds unknown tensors: ${misfits.unknown.join(', ')} (--drop-unknown leaves them out).`,
      );
    }
    left.push(...misfits.unknown.map((name) => `${part}.${name}`));
    network ??= state.network;
    for (const [name, tensor] of Object.entries(writeState(state, 'sit')))
      tensors[`${part}.${name}`] = tensor;
    if (part === 'model') {
      parameters = Object.values(state.trunk).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    }
  }
  const counted = { updates: `${updates}`, ...(steps !== undefined && { steps: `${steps}` }) };
  await writeSafetensors(output, tensors, { format: 'pt', ...counted });
  return { output, source: input, part: 'all', network: network as Network, parameters, left };
}
