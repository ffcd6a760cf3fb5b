/** Converts the weights of a network into another published format: names, shapes and conventions, not values. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import {
  type Convention,
  changeConvention,
  diffusersConfig,
  type SitState,
  writeState,
} from '@ahpa/sit-weights';
import { type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import { type Converted, type ConvertRequest, FORMS, type Form, type OwnFormat } from './conversion.ts';
import { convertTraining } from './convert-training.ts';
import { networkMetadata } from './known-sizes.ts';
import { type OpenedModel, openModelFile } from './open-model-file.ts';
import { assertFree, assertWritable } from './output.ts';
import { positionTensor } from './positions.ts';
import { loadingNote, zeroProjectors } from './projectors.ts';
import { countParameters } from './tensor-counts.ts';

/**
 * Converts a weights file, a diffusers folder or, with `own`, a model of the application; `part: 'all'` converts a whole
 * training checkpoint.
 * @throws Error where the source does not fit its network or the format cannot hold it
 */
export async function convertModelFile<Own = never>(
  request: ConvertRequest,
  own?: OwnFormat<Own>,
): Promise<Converted> {
  const { input, output, part } = request;
  assertWritable(output, formsOf(own));
  if (part === 'all') return convertTraining(request, own);
  const opened: OpenedModel<Own> = (await own?.open(input)) ?? (await openModelFile(input, request));
  const form = chooseForm(request, opened.state.network.convention, own);
  const state = forForm(inConvention(opened.state, form), form, request);
  assertFree(output, isFile(output) ? 'file' : 'folder', request.force);
  const written =
    form === own?.form
      ? await writeOwn(own, output, { ...opened, state })
      : await write(output, state, form as Form);
  const left = [
    ...opened.unknown,
    ...Object.keys({ ...opened.state.trunk, ...opened.state.heads }).filter((name) => !written.has(name)),
  ];
  const { source } = opened;
  const parameters = countParameters(state.trunk);
  const note = form === 'repa' ? { note: loadingNote(state.heads, state.network.hiddenSize) } : {};
  const prefix = opened.prefix ? { prefix: opened.prefix } : {};
  return { output, source, part: opened.part, ...prefix, network: state.network, parameters, left, ...note };
}

const isFile = (output: string): boolean => output.endsWith('.safetensors');

const formsOf = (own: { readonly form: string } | undefined): readonly string[] =>
  own === undefined ? FORMS : [...FORMS, own.form];

/** The state with what strict loading of a published file asks for: positions, and in REPA's form alone heads. */
function forForm(
  state: SitState<TensorEntry>,
  form: string,
  { zeroProjectors: widths }: ConvertRequest,
): SitState<TensorEntry> {
  const positions = state.positions ?? positionTensor(state.network);
  if (widths !== undefined && form !== 'repa') {
    throw userError(`The form ${form} has no projectors: --projectors is for --to repa.`);
  }
  if (form !== 'repa') return { ...state, positions, heads: {} };
  return {
    ...state,
    positions,
    heads: widths === undefined ? state.heads : zeroProjectors(widths, state.network.hiddenSize),
  };
}

function chooseForm(
  { output, to }: ConvertRequest,
  convention: Convention,
  own: { readonly form: string } | undefined,
): string {
  const form = to ?? (isFile(output) ? convention : (own?.form ?? 'diffusers'));
  const forms = formsOf(own);
  if (!forms.includes(form)) {
    throw userError(`There is no form ${form}: name ${forms.join(', ')}.`);
  }
  if (isFile(output) === (form === 'diffusers' || form === own?.form)) {
    const wanted = isFile(output) ? 'a folder' : 'a file that ends in .safetensors';
    throw userError(`The form ${form} is ${wanted}, and ${output} is not: name another output.`);
  }
  return form;
}

function inConvention(state: SitState<TensorEntry>, form: string): SitState<TensorEntry> {
  const conventions: Readonly<Record<string, Convention>> = {
    repa: 'repa',
    sit: 'sit',
    dit: 'dit',
    diffusers: 'dit',
  };
  try {
    const wanted = conventions[form] ?? state.network.convention;
    return { ...state, ...changeConvention(state.trunk, state.network, wanted) };
  } catch (cause) {
    throw userError((cause as Error).message, { cause });
  }
}

async function writeOwn<Own>(
  own: OwnFormat<Own>,
  folder: string,
  model: OpenedModel<Own>,
): Promise<ReadonlySet<string>> {
  await own.write(folder, model);
  return new Set(Object.keys(model.state.trunk));
}

/** Writes a published format; the names (SiT's) of the tensors in it. */
async function write(output: string, state: SitState<TensorEntry>, form: Form): Promise<ReadonlySet<string>> {
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
  const metadata =
    form === 'repa' || state.network.hasNullClass === false ? networkMetadata(state.network) : {};
  await writeSafetensors(output, tensors, { format: 'pt', ...metadata });
  return new Set(Object.keys(tensors));
}
