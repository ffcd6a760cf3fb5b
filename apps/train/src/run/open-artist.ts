/** Puts a trained model and its VAE on a backend, ready to draw. */

import { applyDiT, type DiTConfig, type DiTParams, type VelocityFn } from '@ahpa/dit-core';
import { type BackendName, createEngine, type Model } from '@ahpa/engine';
import { type Reporter, userError } from '@ahpa/messages';
import { LANES } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import type { VaeConfig } from '@ahpa/vae-hierarchy';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { fingerprint } from '../fingerprint.ts';
import type { DataShape } from '../models/shapes.ts';
import { readVae, vaeParams, vaeStride } from '../vae/load.ts';
import { type Artist, decoder } from './draw.ts';
import { denoiserParams } from './load-model.ts';
import type { Prepared } from './prepare.ts';
import type { TrainedModel } from './trained-model.ts';

/** What computes, the folder of the VAE that decodes, and numbers of the sampler; the model's own where absent. */
export interface ArtistOptions {
  readonly backend?: BackendName;
  readonly vae?: string;
  /** A weaker model of the same latents and classes, which guidance leads away from. */
  readonly weakModel?: TrainedModel;
  readonly sample?: Partial<TrainConfig['sample']>;
}

/** An artist that owns what it draws with. */
export interface OpenArtist {
  readonly artist: Artist;
  /** Side of an image in pixels. */
  readonly size: number;
  /** The VAE that decodes: where it lies, and the hash of its weights. */
  readonly vae: { readonly path: string; readonly sha256: string };
  readonly backend: BackendName;
  dispose(): void;
}

/** Selects the backend and loads denoiser and decoder onto it. */
export async function openArtist(
  model: TrainedModel,
  { backend, vae: path, weakModel, sample = {} }: ArtistOptions,
  reporter?: Reporter,
): Promise<OpenArtist> {
  const files = await readVae(path === undefined ? model.vae : { kind: 'file', path }, reporter);
  checkVae(files.config, model.shape, files.path);
  const own = model.config?.train ?? { backend: 'tensorflow', eager: false, precision: 'float32' };
  const chosen = { ...own, backend: backend ?? own.backend };
  const engine = await createEngine(chosen);
  const vae = engine.model(vaeParams(files));
  const denoiser = engine.model(denoiserParams(model));
  const parts = { model: model.network, shape: model.shape, decode: decoder(vae, files.config) };
  const drawing = artistOf({ ...model, sample: { ...model.sample, ...sample } }, parts, denoiser);
  const weak = weakModel && engine.model(denoiserParams(weakModel));
  const artist = weak ? { ...drawing, weak: weakVelocity(model, weakModel, weak) } : drawing;
  return {
    artist,
    size: model.shape.latentSize * vaeStride(files.config),
    vae: { path: files.path, sha256: fingerprint(files.tensors) },
    backend: chosen.backend,
    dispose: () => {
      vae.dispose();
      denoiser.dispose();
      weak?.dispose();
    },
  };
}

/** The velocity of the weaker model; refuses one of other latents or classes. */
function weakVelocity(
  model: TrainedModel,
  weakModel: TrainedModel,
  weak: Model<DiTParams & Tree>,
): VelocityFn {
  const [ours, theirs] = [model, weakModel].map(({ shape }) => JSON.stringify(shape));
  if (ours !== theirs) {
    throw userError(
      `The weaker model ${weakModel.source} draws ${theirs}, wanted ${ours}: name another --weak.`,
    );
  }
  return velocityOf(weak, weakModel.network);
}

/** The velocity of a network, on the device. */
function velocityOf<P extends DiTParams & Tree>(denoiser: Model<P>, network: DiTConfig): VelocityFn {
  const run = denoiser.bind((params, x: Tensor4D, t: Tensor1D, y: Tensor1D) => ({
    velocity: applyDiT(params, x, t, y, { ...network, lanes: LANES }).velocity,
  }));
  return (x, t, y) => run(x, t, y).velocity;
}

/** What draws with a model of denoiser weights. */
export function artistOf<P extends DiTParams & Tree>(
  { sample, interpolant }: Pick<TrainConfig, 'sample' | 'interpolant'>,
  { model, shape, decode }: Pick<Prepared, 'model' | 'shape' | 'decode'>,
  denoiser: Model<P>,
): Artist {
  const velocity = velocityOf(denoiser, model);
  return { velocity, decode, shape, config: { ...sample, path: interpolant.path, nullClass: shape.classes } };
}

function checkVae({ latentChannels }: VaeConfig, shape: DataShape, path: string): void {
  if (latentChannels === shape.latentChannels) return;
  throw userError(
    `The VAE ${path} has latents of ${latentChannels} channels, and the model draws ${shape.latentChannels}: name the VAE that the model was trained with.`,
  );
}
