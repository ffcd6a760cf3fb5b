/** A run of seconds on the plain CPU backend: a few images of 16 pixels and a VAE with random weights. */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { philox } from '@ahpa/ops';
import { initVae, type VaeConfig, vaeConfigJson, vaeStateDict } from '@ahpa/vae-hierarchy';
import { fromFloat32, writeSafetensors } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { Reporter } from '../src/cli/reporter.ts';
import { loadConfig } from '../src/config/load.ts';
import type { TrainConfig } from '../src/config/types.ts';
import type { Interrupt } from '../src/run/interrupt.ts';

export const TINY_VAE: VaeConfig = {
  inChannels: 3,
  blockOutChannels: [4, 4, 4, 4],
  layersPerBlock: 1,
  latentChannels: 4,
  normNumGroups: 2,
  midBlockAttention: true,
  scalingFactor: 2,
  shiftFactor: 0.5,
};

/** A new temporary folder. */
export const temporary = (): string => mkdtempSync(join(tmpdir(), 'ahpa-train-'));

/** Writes a VAE with random weights and returns its folder. */
export async function writeTinyVae(folder: string): Promise<string> {
  const path = join(folder, 'vae');
  mkdirSync(path, { recursive: true });
  const params = initVae(TINY_VAE, philox(5));
  const dict = await vaeStateDict(params, TINY_VAE);
  tf.dispose(params as tf.TensorContainer);
  const tensors = Object.entries(dict).map(([key, { data, shape }]) => [
    key,
    fromFloat32(data, shape, 'F32'),
  ]);
  await writeSafetensors(join(path, 'diffusion_pytorch_model.safetensors'), Object.fromEntries(tensors));
  writeFileSync(join(path, 'config.json'), JSON.stringify(vaeConfigJson(TINY_VAE)));
  return path;
}

/** Assignments that make a configuration tiny. */
export const tinyAssignments = (vae: string): string[] => [
  `vae=${JSON.stringify({ kind: 'file', path: vae })}`,
  'data.size=16',
  'data.perClass=2',
  'train.backend=cpu',
  'sample.steps=2',
];

/** The configuration `tiny`, tinier still. */
export const tinyConfig = (vae: string, set: readonly string[] = []): TrainConfig =>
  loadConfig({ names: ['tiny'], set: [...tinyAssignments(vae), ...set] });

/** A reporter that remembers. */
export function listener(): Reporter & { readonly said: string[]; readonly warned: string[] } {
  const said: string[] = [];
  const warned: string[] = [];
  return {
    said,
    warned,
    say: (text) => said.push(text),
    warn: (text) => warned.push(text),
    progress: () => ({ update: () => undefined, stop: () => undefined }),
    result: () => undefined,
    close: () => undefined,
  };
}

/** A signal that is aborted after it was looked at `looks` times. */
export function abortAfter(looks: number): AbortSignal {
  let left = looks;
  const { signal } = new AbortController();
  return new Proxy(signal, {
    get: (target, key) => (key === 'aborted' ? left-- <= 0 : Reflect.get(target, key)),
  });
}

/** For runs that nobody interrupts. */
export const uninterrupted = (): Interrupt => ({
  signal: new AbortController().signal,
  release: () => undefined,
});
