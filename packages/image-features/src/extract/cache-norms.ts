/** The normalisation of a cache: of the cache that was begun here, of another one, or fitted now. */
import { join } from 'node:path';
import { differences, readAttachment, readPlan } from '@ahpa/latent-cache';
import { type Reporter, userError } from '@ahpa/messages';
import { cacheRecipe, needsFit, type VaeFeatures } from '../feature-request.ts';
import type { ImageDataset } from '../image-dataset.ts';
import { type FitOptions, fitNorms } from '../norms/fit-norms.ts';
import { decodeNorms, type FittedNorms, STATISTICS_FILE } from '../norms/fitted-norms.ts';

/** Folders that may hold fitted numbers. */
interface NormSource {
  readonly out: string;
  readonly like?: string | undefined;
}

/** The fitted numbers of a cache; undefined where its normalisation has none. */
export async function cacheNorms(
  images: ImageDataset,
  features: VaeFeatures,
  { out, like, ...fit }: NormSource & FitOptions,
  reporter: Reporter,
): Promise<FittedNorms | undefined> {
  if (!needsFit(features.request)) return undefined;
  const from = (await readPlan(out)) ? out : like;
  return from === undefined ? fitNorms(features, images, fit, reporter) : storedNorms(from, features);
}

/** The numbers beside a cache that serves the same request. */
async function storedNorms(folder: string, features: VaeFeatures): Promise<FittedNorms> {
  const plan = await readPlan(folder);
  if (!plan) throw userError(`${folder} holds no cache whose statistics could be used.`);
  const [difference] = differences(plan.recipe, cacheRecipe(features));
  if (difference !== undefined) throw userError(`${folder} was made otherwise: its ${difference}.`);
  return decodeNorms(await readAttachment(folder, plan, STATISTICS_FILE), join(folder, STATISTICS_FILE));
}
