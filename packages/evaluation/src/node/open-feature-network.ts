/** Opens the network whose features are compared: SqueezeNet, Inception in PyTorch's layout, or TensorFlow's frozen graph. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '@ahpa/engine';
import { type Reporter, silent, userError } from '@ahpa/messages';
import { readSafetensors, readWeights, type TensorEntry, toFloat32 } from '@ahpa/weight-files';
import type * as tf from '@tensorflow/tfjs-core';
import { inception } from '../networks/inception.ts';
import { loadInception } from '../networks/inception-load.ts';
import type { FeatureNetwork, NetworkParams } from '../networks/network.ts';
import { loadSqueezeNet, SQUEEZENET_SHAPES, squeezeNet } from '../networks/squeezenet.ts';
import { sha256File } from './hash-file.ts';
import { obtainFile } from './obtain-file.ts';
import { obtainSqueezeNet, SQUEEZENET_SHA256 } from './obtain-squeezenet.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';

/** Choice of a feature network; SqueezeNet where no file is named. */
export interface NetworkChoice {
  /** Path or URL of an Inception network: `.pb` of TensorFlow, or weights in PyTorch's layout. */
  readonly inception?: string;
  /** Expected SHA-256 of the file; required for a URL. */
  readonly sha256?: string;
}

/** Options of `openFeatureNetwork`. */
export interface FeatureNetworkOptions extends NetworkChoice {
  /** Folder that keeps downloads: SqueezeNet's weights, and files by URL in `networks`. */
  readonly cacheDir: string;
}

/** Loads a feature network onto an engine; the caller disposes it. @throws where the hash of the file is not `sha256`. */
export async function openFeatureNetwork(
  { inception: file, sha256, cacheDir }: FeatureNetworkOptions,
  engine: Engine,
  reporter: Reporter = silent,
): Promise<OpenFeatureNetwork> {
  if (file === undefined) return openSqueezeNet(cacheDir, engine, reporter);
  const path = await obtainFile(file, sha256, join(cacheDir, 'networks'), reporter);
  const hash = await sha256File(path);
  if (sha256 !== undefined && hash !== sha256.toLowerCase())
    throw userError(`${path} has the sha256 ${hash}, wanted ${sha256}: it is another file, or damaged.`);
  if (path.endsWith('.pb')) return (await import('./inception-graph.ts')).openInceptionGraph(path, hash);
  return onEngine(inception, loadInception(floats(await readWeights(path))), hash, engine);
}

async function openSqueezeNet(
  cacheDir: string,
  engine: Engine,
  reporter: Reporter,
): Promise<OpenFeatureNetwork> {
  const { params, sha256 } = await squeezeNetParams(cacheDir, reporter);
  return onEngine(squeezeNet, params, sha256, engine);
}

/**
 * Weights of SqueezeNet v1.1 on the active backend, owned by the caller, and their SHA-256; downloaded where `cacheDir` lacks them.
 * @throws where they cannot be downloaded or are damaged.
 */
export async function squeezeNetParams(
  cacheDir: string,
  reporter: Reporter = silent,
): Promise<{ readonly params: NetworkParams; readonly sha256: string }> {
  const path = await obtainSqueezeNet({ cacheDir }, reporter);
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  if (hash !== SQUEEZENET_SHA256)
    throw userError(`${path} is damaged (sha256 ${hash}): delete it, and it is obtained again.`);
  const layers = floats((await readSafetensors(path)).tensors);
  const pairs = Object.keys(SQUEEZENET_SHAPES).map((layer) => [
    layer,
    [layers[`${layer}.kernel`], layers[`${layer}.bias`]],
  ]);
  return { params: loadSqueezeNet(Object.fromEntries(pairs)), sha256: hash };
}

function floats(
  tensors: Readonly<Record<string, TensorEntry>>,
): Record<string, { shape: readonly number[]; data: Float32Array }> {
  const read = Object.entries(tensors).filter(([, { dtype }]) => /^B?F\d/.test(dtype));
  return Object.fromEntries(
    read.map(([name, entry]) => [name, { shape: entry.shape, data: toFloat32(entry) }]),
  );
}

function onEngine(
  { prefix, name, apply }: FeatureNetwork,
  params: NetworkParams,
  sha256: string,
  engine: Engine,
): OpenFeatureNetwork {
  const model = engine.model(params);
  const run = model.map((weights, images: tf.Tensor4D) => ({ ...apply(weights, images) }));
  return { prefix, name, sha256, run, dispose: model.dispose };
}
