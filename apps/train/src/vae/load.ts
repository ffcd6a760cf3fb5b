/** Reads a frozen VAE in diffusers' layout: the one of this repository, or any folder's. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Tree } from '@ahpa/trainer';
import { loadVaeParams, parseVaeConfig, type VaeConfig, type VaeParams } from '@ahpa/vae-hierarchy';
import { parseSafetensors, toFloat32 } from '@ahpa/weight-files';
import type { VaeChoice } from '../config/types.ts';
import { userError } from '../errors.ts';

/** The files of a VAE, read but not yet on any backend. */
export interface VaeFiles {
  readonly path: string;
  readonly config: VaeConfig;
  /** Of both files; two VAEs with the same value give the same latents. */
  readonly sha256: string;
  readonly weights: Uint8Array;
}

/** VAE parameters as a tree that the trainer and the compiler take. */
export type VaeTree = VaeParams & Tree;

/** Image pixels per latent pixel, along each side. */
export const vaeStride = ({ blockOutChannels }: VaeConfig): number => 2 ** (blockOutChannels.length - 1);

/** Reads and checks the files of the VAE that a configuration names. */
export async function readVae(choice: VaeChoice): Promise<VaeFiles> {
  const [json, path] = locate(choice);
  const config = await readFile(json);
  const weights = await readFile(path);
  const sha256 = createHash('sha256').update(config).update(weights).digest('hex');
  return { path, config: parseConfig(json, config.toString()), sha256, weights };
}

/** The parameters on the active backend, owned by the caller. */
export function vaeParams({ path, config, weights }: VaeFiles): VaeTree {
  const { tensors } = parseSafetensors(weights, path);
  const dict = Object.entries(tensors).map(([key, entry]) => [
    key,
    { shape: entry.shape, data: toFloat32(entry) },
  ]);
  return loadVaeParams(Object.fromEntries(dict), config) as VaeTree;
}

const WEIGHTS = 'diffusion_pytorch_model.safetensors';

function locate(choice: VaeChoice): readonly [json: string, weights: string] {
  const packaged = choice.kind === 'emoji-vae';
  const require = createRequire(import.meta.url);
  const at = packaged
    ? (file: string) => join(require.resolve('@ahpa/emoji-vae/package.json'), '..', file)
    : (file: string) => join(choice.path, file);
  const files = [at('config.json'), at(WEIGHTS)] as const;
  const missing = files.find((file) => !existsSync(file));
  if (missing === undefined) return files;
  const remedy = packaged ? 'train one with ahpa train-vae and name its folder' : 'name another folder';
  throw userError(`The VAE has no ${missing}: ${remedy} with --set vae.kind=file --set vae.path=FOLDER.`);
}

function parseConfig(path: string, text: string): VaeConfig {
  try {
    return parseVaeConfig(JSON.parse(text));
  } catch (cause) {
    throw userError(`${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
}
