/** Exported models: folders with `config.json` and `model.safetensors`, all that sampling needs. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { CONVENTIONS, type Convention, type DiTConfig } from '@ahpa/dit-core';
import { userError } from '@ahpa/messages';
import { section } from '@ahpa/options';
import { positionTensor } from '@ahpa/sit-models';
import { POSITIONS } from '@ahpa/sit-weights';
import { inFloat32, readWeights, writeSafetensors } from '@ahpa/weight-files';
import { z } from 'zod';
import { TRAINED } from '../config/averages.ts';
import { checkWith, parseTrainConfig } from '../config/parse.ts';
import type { VaeChoice } from '../config/types.ts';
import type { TrainedModel } from './trained-model.ts';

/** The content of an exported folder's `config.json`. */
export interface ModelJson {
  readonly model_type: 'sit';
  readonly architecture: Omit<DiTConfig, 'encoderDepths'>;
  /** Names by index. */
  readonly classes: readonly string[];
  /** Images of every class in training, where they are known. */
  readonly counts?: readonly number[];
  readonly interpolant?: unknown;
  readonly sample?: unknown;
  readonly vae?: unknown;
  readonly training: { readonly step: number | null; readonly ema: string };
}

const size = z.int().positive();

const schema: z.ZodType<ModelJson> = section({
  model_type: z.literal('sit'),
  architecture: section({
    latentSize: size,
    latentChannels: size,
    patchSize: size,
    hiddenSize: size,
    depth: size,
    heads: size,
    mlpRatio: z.number().positive(),
    classes: size,
    hasNullClass: z.boolean().exactOptional(),
    qkNorm: z.boolean().exactOptional(),
    learnSigma: z.boolean().exactOptional(),
    convention: z.enum(CONVENTIONS as [Convention]).exactOptional(),
  }),
  classes: z.array(z.string()),
  counts: z.array(z.int().min(0)).exactOptional(),
  interpolant: z.unknown(),
  sample: z.unknown(),
  vae: z.unknown(),
  training: section({ step: z.int().min(0).nullable(), ema: z.string() }),
});

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';

/** Whether a folder is an exported model, by the names in it. */
export const isModelFolder = (path: string): boolean =>
  [CONFIG, WEIGHTS].every((name) => existsSync(join(path, name)));

/** Weights and step that an exported folder is to hold, where they were named. */
export interface Expected {
  readonly ema?: string;
  readonly at?: number;
}

/** Reads an exported folder. @throws where its configuration is invalid, or it holds other weights than those named. */
export async function readModelFolder(folder: string, expected: Expected = {}): Promise<TrainedModel> {
  const file = join(folder, CONFIG);
  const { architecture, classes, counts, training, ...rest } = checkWith(schema, await readJson(file), file);
  assertHolds(folder, training, expected);
  if (classes.length !== architecture.classes) {
    throw userError(`${file} names ${classes.length} classes, wanted ${architecture.classes}.`);
  }
  const { model_type: _, ...settings } = rest;
  const { vae, sample, interpolant } = parseTrainConfig(settings);
  const { latentSize, latentChannels } = architecture;
  return {
    source: join(folder, WEIGHTS),
    step: training.step ?? undefined,
    network: { ...architecture, encoderDepths: [] },
    shape: { latentSize, latentChannels, classes: architecture.classes },
    classes,
    ...(counts && { counts }),
    vae: within(folder, vae),
    interpolant,
    sample,
    average: training.ema,
    weights: await readWeights(join(folder, WEIGHTS), { keep: (name) => name !== POSITIONS }),
  };
}

function assertHolds(folder: string, { ema, step }: ModelJson['training'], wanted: Expected): void {
  const held = ema === TRAINED ? [ema, 'params'] : [ema, 'ema'];
  if (wanted.ema !== undefined && !held.includes(wanted.ema)) {
    throw userError(`${folder} holds the weights ${ema} alone, and not ${wanted.ema}: leave that name away.`);
  }
  if (wanted.at !== undefined && wanted.at !== step) {
    const own = step === null ? 'no known step' : `step ${step}`;
    throw userError(`${folder} holds the weights of ${own}, and not of ${wanted.at}: leave --at away.`);
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw userError(`${file} cannot be read (${(cause as Error).message}).`, { cause });
  }
}

/** The VAE of an exported folder may lie inside it. */
function within(folder: string, vae: VaeChoice): VaeChoice {
  if (vae.kind !== 'file' || isAbsolute(vae.path) || vae.path.startsWith('hf:')) return vae;
  return { ...vae, path: join(folder, vae.path) };
}

/** Writes a model and the path of its VAE as seen from the folder: the weights in float32, then `config.json`. */
export async function writeModelFolder(folder: string, model: TrainedModel, vae: VaeChoice): Promise<void> {
  await mkdir(folder, { recursive: true });
  const wide = Object.entries(model.weights).map(([name, entry]) => [name, inFloat32(entry)]);
  const weights = { ...Object.fromEntries(wide), [POSITIONS]: positionTensor(model.network) };
  await writeSafetensors(join(folder, WEIGHTS), weights, { format: 'pt' });
  await writeFile(join(folder, CONFIG), `${JSON.stringify(modelJson(model, vae), null, 2)}\n`);
}

function modelJson(model: TrainedModel, vae: VaeChoice): ModelJson {
  const { network, classes, counts, interpolant, sample, step, average } = model;
  const { latentSize, latentChannels, patchSize, hiddenSize, depth, heads, mlpRatio } = network;
  const { qkNorm, learnSigma, convention, hasNullClass } = network;
  return {
    model_type: 'sit',
    architecture: {
      latentSize,
      latentChannels,
      patchSize,
      hiddenSize,
      depth,
      heads,
      mlpRatio,
      classes: network.classes,
      ...(hasNullClass === false && { hasNullClass }),
      ...(qkNorm && { qkNorm }),
      ...(learnSigma && { learnSigma }),
      ...(convention && convention !== 'repa' && { convention }),
    },
    classes,
    ...(counts && { counts }),
    interpolant,
    sample,
    vae,
    training: { step: step ?? null, ema: average },
  };
}
