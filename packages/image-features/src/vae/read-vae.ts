/** Reads a frozen VAE: `@ahpa/emoji-vae`, a folder in diffusers' layout, or weights files of any published kind. */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { localPath } from '@ahpa/hub-files';
import { type Reporter, userError } from '@ahpa/messages';
import {
  findVaePrefix,
  inferVaeConfig,
  isVaeKey,
  joinHalves,
  loadVaeParams,
  parseVaeConfig,
  type VaeConfig,
  type VaeParams,
} from '@ahpa/vae-hierarchy';
import { assertFinite, readJson, readWeights, type TensorEntry, toFloat32 } from '@ahpa/weight-files';
import type { VaeChoice, VaeFileChoice } from './vae-choice.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** A VAE that is read but not yet on any backend. */
export interface VaeFiles {
  readonly path: string;
  readonly config: VaeConfig;
  /** SHA-256 of the encoder and the scaling of latents: equal where latents and features are. */
  readonly sha256: string;
  readonly tensors: Tensors;
}

/** Image pixels per latent pixel, along each side. */
export const vaeStride = ({ blockOutChannels }: VaeConfig): number => 2 ** (blockOutChannels.length - 1);

/** Weights of a Stable Diffusion checkpoint that are not its VAE's. */
const OTHER_MODELS = /^(model|model_ema|cond_stage_model|conditioner|text_encoders|denoiser)\./;

/** Folder of the VAE in a pipeline. */
const INNER = 'vae';

/** Of the TAESD family, whose latents need no scaling. */
const TINY_SCALE = 1;

/**
 * Reads and checks the files of a VAE, downloaded first where the path is on the hub.
 * @throws an error the user can fix where files are missing or cannot be used.
 */
export async function readVae(choice: VaeChoice, reporter?: Reporter): Promise<VaeFiles> {
  const place = choice.kind === 'emoji-vae' ? packaged() : await localFiles(choice, reporter);
  if (!existsSync(place.path)) throw missing(place.path);
  const found = configFile(place);
  const tensors = await readTensors(place);
  const prefix = findVaePrefix(Object.keys(tensors));
  if (prefix) reporter?.say(`${place.path}: the VAE is read from the tensors under "${prefix}".`);
  const config = found === undefined ? inferred(place, tensors) : await parsed(found);
  return { path: place.path, config, sha256: encoderHash(tensors, config), tensors };
}

/** The parameters on the active backend, owned by the caller. @throws where tensors are missing or of other shapes. */
export function vaeParams({ path, config, tensors }: VaeFiles): VaeParams {
  try {
    const dict = Object.entries(tensors).map(([key, entry]) => [
      key,
      { shape: entry.shape, data: floats(key, entry) },
    ]);
    return loadVaeParams(Object.fromEntries(dict), config);
  } catch (cause) {
    throw userError(`${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

function floats(key: string, entry: TensorEntry): Float32Array {
  try {
    return toFloat32(entry);
  } catch (cause) {
    throw new Error(`${key}: ${(cause as Error).message}`, { cause });
  }
}

/** Whether a folder has the `config.json` of one of diffusers' autoencoders. */
async function hasVaeConfig(folder: string): Promise<boolean> {
  const path = join(folder, 'config.json');
  if (!existsSync(path)) return false;
  const { _class_name } = (await readJson(path)) as { readonly _class_name?: unknown };
  return /^(Asymmetric)?Autoencoder/.test(String(_class_name));
}

/** Folder of a VAE: `path` itself, or the `vae` of a pipeline; undefined where it is neither. */
export async function vaeFolder(path: string): Promise<string | undefined> {
  if (await hasVaeConfig(path)) return path;
  const inner = join(path, INNER);
  return (await hasVaeConfig(inner)) ? inner : undefined;
}

async function localFiles(choice: VaeFileChoice, reporter?: Reporter): Promise<VaeFileChoice> {
  const found = await localPath(choice.path, reporter);
  const path = (choice.config ? undefined : await vaeFolder(found)) ?? found;
  if (path !== found) reporter?.say(`${found} is a pipeline: the VAE is read from ${basename(path)}/ in it.`);
  const decoder = choice.decoder && (await localPath(choice.decoder, reporter));
  return { ...choice, path, ...(decoder && { decoder }) };
}

function packaged(): VaeFileChoice {
  try {
    const manifest = createRequire(import.meta.url).resolve('@ahpa/emoji-vae/package.json');
    return { kind: 'file', path: dirname(manifest) };
  } catch (cause) {
    throw userError(
      'The VAE @ahpa/emoji-vae is not installed: install that package, or name another VAE by its path.',
      { cause },
    );
  }
}

const missing = (path: string): Error =>
  userError(`The VAE has no ${path}: name its folder or file with --set vae.kind=file --set vae.path=PATH.`);

/** The `config.json` that is named or lies beside the weights; a folder must have one. */
function configFile({ path, config }: VaeFileChoice): string | undefined {
  if (config) return config;
  const folder = statSync(path).isDirectory();
  const beside = join(folder ? path : dirname(path), 'config.json');
  if (existsSync(beside)) return beside;
  if (folder) throw missing(beside);
  return undefined;
}

async function readTensors({ path, decoder }: VaeFileChoice): Promise<Tensors> {
  const read = async (file: string): Promise<Tensors> => {
    const tensors = await readWeights(file, { keep: (name) => isVaeKey(name) || !OTHER_MODELS.test(name) });
    assertFinite(tensors, file);
    return tensors;
  };
  try {
    const tensors = await read(path);
    return decoder ? joinHalves(tensors, await read(decoder)) : tensors;
  } catch (cause) {
    throw userError(`The VAE cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function parsed(path: string): Promise<VaeConfig> {
  try {
    return parseVaeConfig(await readJson(path));
  } catch (cause) {
    throw userError(`${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** The config by the shapes of the weights, with the scaling of latents of the choice. */
function inferred({ path, scale, shift }: VaeFileChoice, tensors: Tensors): VaeConfig {
  const config = inferVaeConfig(tensors, { scalingFactor: scale ?? TINY_SCALE, shiftFactor: shift ?? 0 });
  if (config.kind === 'tiny' || typeof scale === 'number') return config;
  throw userError(
    `${path} has no config.json beside it, and weights do not tell the scale of latents: set vae.scale (0.18215 for SD, 0.13025 for SDXL) or vae.config.`,
  );
}

/** Hash of everything that latents and features depend on. */
function encoderHash(tensors: Tensors, config: VaeConfig): string {
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(config).sort()));
  for (const key of Object.keys(tensors).sort()) {
    if (/(^|\.)(decoder|post_quant_conv|loss)\./.test(key)) continue;
    const { dtype, shape, data } = tensors[key] as TensorEntry;
    hash.update(JSON.stringify([key, dtype, shape])).update(data);
  }
  return hash.digest('hex');
}
