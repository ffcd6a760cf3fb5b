/** Training record of a PyTorch checkpoint: step, arguments, moments, and the network that the arguments tell. */
import type { Convention } from '@ahpa/dit-core';
import { openTorch, type TensorEntry } from '@ahpa/weight-files';
import type { KnownSizes } from './known-sizes.ts';

/** What a training checkpoint holds beside weights. */
export interface TrainingRecord {
  /** Steps of training, where the file counts them. */
  readonly step?: number;
  /** Arguments of the training program by name, those of sections by dotted name. */
  readonly args?: Readonly<Record<string, string | number | boolean | null>>;
  /** Number of parameters that have moments of an optimizer. */
  readonly moments?: number;
  /** Model family, as the arguments tell. */
  readonly family?: 'SiT' | 'DiT' | 'REPA' | 'LightningDiT';
}

/** Arguments that only REPA's training and those derived from it have. */
const REPA_ARGS = ['enc_type', 'proj_coeff', 'encoder_depth', 'cfg_prob'];

const CONVENTION: Readonly<Record<NonNullable<TrainingRecord['family']>, Convention>> = {
  SiT: 'sit',
  LightningDiT: 'sit',
  REPA: 'repa',
  DiT: 'dit',
};

/** Names that the programs give to a predicted velocity. */
const VELOCITY: ReadonlySet<unknown> = new Set([undefined, null, 'v', 'velocity']);

type Values = { readonly [key: string]: unknown };

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !('read' in value) && !Array.isArray(value);

/** The training record of a PyTorch file; empty where it is a state dict alone. */
export async function readTrainingRecord(path: string): Promise<TrainingRecord> {
  const file = await openTorch(path);
  await file.close();
  if (!isRecord(file.value)) return {};
  const { steps, opt, args: own, config } = file.value as Values;
  const args = [own, config].find(isRecord);
  const flat = args && flatten(args, '');
  const family = flat && familyOf(flat);
  const state = isRecord(opt) && isRecord(opt['state']) ? Object.keys(opt['state']).length : 0;
  return {
    ...(typeof steps === 'number' && { step: steps }),
    ...(flat && { args: flat }),
    ...(state > 0 && { moments: state }),
    ...(family && { family }),
  };
}

function flatten(values: Values, prefix: string): NonNullable<TrainingRecord['args']> {
  const entries = Object.entries(values).map(([key, value]) => {
    if (isRecord(value)) return flatten(value, `${prefix}${key}.`);
    return { [prefix + key]: isPlain(value) ? value : JSON.stringify(value) };
  });
  return Object.assign({}, ...entries);
}

const isPlain = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

function familyOf(args: NonNullable<TrainingRecord['args']>): TrainingRecord['family'] {
  if (`${args['model.model_type']}`.startsWith('LightningDiT')) return 'LightningDiT';
  if (REPA_ARGS.some((name) => name in args)) return 'REPA';
  const model = `${args['model']}`;
  if (model.startsWith('DiT-')) return 'DiT';
  return model.startsWith('SiT-') && 'image_size' in args ? 'SiT' : undefined;
}

const CLASS_TABLE = /(^|\.)y_embedder\.embedding_table\.weight$/;

/** Weight convention and number of classes of `tensors` that a training record tells. */
export function evidenceIn(
  record: TrainingRecord,
  tensors: Readonly<Record<string, TensorEntry>>,
): KnownSizes {
  const { args = {}, family } = record;
  const rows = Object.entries(tensors).find(([name]) => CLASS_TABLE.test(name))?.[1].shape[0];
  const classes = args['num_classes'] ?? args['data.num_classes'];
  const fits = typeof classes === 'number' && (rows === classes || rows === classes + 1);
  return { ...(family && { from: CONVENTION[family] }), ...(fits && { classes }) };
}

/** A sentence on a prediction other than velocity in the arguments; undefined where they name none. */
export function describePrediction({ args = {}, family = 'SiT' }: TrainingRecord): string | undefined {
  const prediction = args['prediction'] ?? args['transport.prediction'];
  if (family === 'DiT' || VELOCITY.has(prediction)) return undefined;
  return `its arguments name the prediction ${prediction}, and only networks of velocity are read`;
}
