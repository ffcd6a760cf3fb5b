/** Loads a trained model and its VAE onto a backend as an image sampler. */

import type { DiTParams, VelocityFn } from '@ahpa/dit-core';
import { type BackendName, createEngine, type Model } from '@ahpa/engine';
import { readVae, vaeParams } from '@ahpa/image-features';
import { describeClasses, type Reporter, userError } from '@ahpa/messages';
import type { VaeConfig } from '@ahpa/vae-hierarchy';
import type { TrainConfig } from '../config/types.ts';
import type { DataShape } from '../records/checkpoints.ts';
import { fingerprint } from './fingerprint.ts';
import { decoder, denoiserVelocity, type ImageSampler, imageSampler } from './image-sampler.ts';
import { denoiserParams } from './load-model.ts';
import type { TrainedModel } from './trained-model.ts';

/** Backend, folder of the VAE that decodes, and settings of the sampler; default the model's own. */
export interface ImageSamplerOptions {
  readonly backend?: BackendName;
  readonly vae?: string;
  /** A weaker model of the same latents and classes, which guidance leads away from. */
  readonly weakModel?: TrainedModel;
  readonly sample?: Partial<TrainConfig['sample']>;
}

/** An image sampler that owns its tensors. */
export interface OpenImageSampler {
  readonly sampler: ImageSampler;
  /** The VAE that decodes: its path, and the hash of its weights. */
  readonly vae: { readonly path: string; readonly sha256: string };
  readonly backend: BackendName;
  dispose(): void;
}

/** Selects the backend and loads denoiser and decoder onto it. @throws where VAE or weaker model do not fit the model. */
export async function openImageSampler(
  model: TrainedModel,
  { backend, vae: path, weakModel, sample = {} }: ImageSamplerOptions,
  reporter?: Reporter,
): Promise<OpenImageSampler> {
  assertGuidable(model, { ...model.sample, ...sample }, weakModel);
  reporter?.say(`${model.source}: ${describeClasses(model.classes, model.counts)}.`);
  const files = await readVae(path === undefined ? model.vae : { kind: 'file', path }, reporter);
  checkVae(files.config, model.shape, files.path);
  const own = model.config?.train ?? { backend: 'tensorflow', eager: false, precision: 'float32' };
  const chosen = { ...own, backend: backend ?? own.backend };
  const engine = await createEngine(chosen);
  const vae = engine.model(vaeParams(files));
  const denoiser = engine.model(denoiserParams(model));
  const decode = decoder(vae, files.config);
  const parts = { model: model.network, shape: model.shape, decode, vae: files.config };
  const alone = imageSampler({ ...model, sample: { ...model.sample, ...sample } }, parts, denoiser);
  const weak = weakModel && engine.model(denoiserParams(weakModel));
  const sampler = weak ? { ...alone, weak: weakVelocity(model, weakModel, weak) } : alone;
  return {
    sampler,
    vae: { path: files.path, sha256: fingerprint(files.tensors) },
    backend: chosen.backend,
    dispose: () => {
      vae.dispose();
      denoiser.dispose();
      weak?.dispose();
    },
  };
}

/** Refuses guidance away from the null class of a network that has none. */
function assertGuidable(
  { network, source }: TrainedModel,
  { guidance }: Pick<TrainConfig['sample'], 'guidance'>,
  weak: TrainedModel | undefined,
): void {
  if (network.hasNullClass !== false || guidance === 1 || weak !== undefined) return;
  throw userError(
    `${source} was trained without label dropout and has no null class, so guidance ${guidance} has nothing to lead away from: sample with --cfg 1, or name a weaker model (--weak).`,
  );
}

/** The velocity of the weaker model; refuses one of other latents or classes. */
function weakVelocity(model: TrainedModel, weakModel: TrainedModel, weak: Model<DiTParams>): VelocityFn {
  const [ours, theirs] = [model, weakModel].map(({ shape, network: { convention } }) =>
    JSON.stringify({ ...shape, noise: convention === 'dit' }),
  );
  if (ours !== theirs) {
    throw userError(
      `The weaker model ${weakModel.source} draws ${theirs}, wanted ${ours}: name another --weak.`,
    );
  }
  return denoiserVelocity(weak, weakModel.network);
}

function checkVae({ latentChannels }: VaeConfig, shape: DataShape, path: string): void {
  if (latentChannels === shape.latentChannels) return;
  throw userError(
    `The VAE ${path} has latents of ${latentChannels} channels, and the model draws ${shape.latentChannels}: name the VAE that the model was trained with.`,
  );
}
