/** Features in a cache folder, computed on first use: any number of processes may ask, one computes. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockHeldError } from '@ahpa/file-lock';
import { DamagedCacheError, openCache, verifyCache } from '@ahpa/latent-cache';
import { type Reporter, silent } from '@ahpa/messages';
import { cacheDataset, type Dataset } from '../dataset.ts';
import { cacheRecipe, type VaeFeatures } from '../feature-request.ts';
import type { ImageDataset } from '../image-dataset.ts';
import { extract } from './extract.ts';

const WAIT_MS = 1000;

/** Features to compute once. */
export interface CachedRequest {
  readonly images: ImageDataset;
  readonly features: VaeFeatures;
  /** Folder in which the cache gets a folder of its own. */
  readonly cacheDir: string;
  /** A cache whose statistics are taken over. */
  readonly like?: string | undefined;
}

/** Features of images and the folder of their cache. */
export interface CachedDataset extends Dataset {
  readonly folder: string;
}

/** The features of images from their cache in `cacheDir`, made where it is missing and made again where it is damaged. */
export async function cachedFeatures(
  request: CachedRequest,
  reporter: Reporter = silent,
): Promise<CachedDataset> {
  const { images, features, cacheDir } = request;
  const folder = join(cacheDir, folderName(request));
  const again = async (problem: string): Promise<void> => {
    reporter.warn(`Computing the features again: ${problem}.`);
    await rm(folder, { recursive: true });
    await ensureCache(folder, request, reporter);
  };
  await ensureCache(folder, request, reporter).catch(async (error: Error) => {
    if (!(error instanceof DamagedCacheError)) throw error;
    await again(error.message);
  });
  const [problem] = await verifyCache(folder);
  if (problem !== undefined) await again(problem);
  return { ...cacheDataset(await openCache(folder), features, images), folder };
}

/** Name by everything that the features depend on. */
function folderName({ images, features, like }: CachedRequest): string {
  const { calibration } = features.request.hierarchy;
  const key = JSON.stringify([images.sha256, cacheRecipe(features), calibration, like ?? null]);
  const hash = createHash('sha256').update(key).digest('hex');
  return `features-${hash.slice(0, 16)}`;
}

/** Extracts unless that is done, or waits for another process that does. */
async function ensureCache(
  folder: string,
  { images, features, like }: CachedRequest,
  reporter: Reporter,
): Promise<void> {
  const options = { out: folder, like, strict: true };
  for (let waiting = false; ; waiting = true) {
    try {
      await extract(images, features, options, { ...reporter, say: () => undefined });
      return;
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      if (!waiting) reporter.say(`Waiting for another process that encodes the same images into ${folder}.`);
      await sleep(WAIT_MS);
    }
  }
}
