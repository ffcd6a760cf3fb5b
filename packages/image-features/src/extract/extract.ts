/**
 * Images to a cache of features, continued where it was stopped.
 * plan, or the plan that is there -> statistics, fitted, kept or another cache's -> size against the disk -> batches -> index.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '@ahpa/file-lock';
import { type CacheIndex, cachePlan, differences, openWriter, readIndex, readPlan } from '@ahpa/latent-cache';
import { type Reporter, type Stretch, silent, unwatched, userError } from '@ahpa/messages';
import type { BadImageOptions } from '../bad-images.ts';
import { featureEncoder } from '../feature-encoder.ts';
import { cacheRecipe, type VaeFeatures } from '../feature-request.ts';
import { encodeImageList, type ImageDataset } from '../image-dataset.ts';
import { encodeNorms, STATISTICS_FILE } from '../norms/fitted-norms.ts';
import { byName, cacheFields } from './cache-fields.ts';
import { cacheNorms } from './cache-norms.ts';
import { checkSpace } from './check-space.ts';
import { retryDropped } from './retry.ts';
import { writeRecords } from './write-records.ts';

/** Name of the list of images beside a cache. */
export const IMAGES_FILE = 'images.tsv';

/** A cache to write. */
export interface ExtractOptions extends BadImageOptions {
  /** Folder of the cache. */
  readonly out: string;
  /** A cache whose statistics are taken over; its classes are the images' already. */
  readonly like?: string | undefined;
  /** Whether the pixels are kept too; default false. */
  readonly pixels?: boolean;
  /** Whether images that the cache left out before are tried again; default false. */
  readonly retry?: boolean;
  /** Images encoded together; default by their size. */
  readonly batch?: number | undefined;
  /** Records of a shard; default 8192. */
  readonly shardRecords?: number | undefined;
  /** Ends it, with its reason, after the batch in progress. */
  readonly signal?: AbortSignal;
  /** Announces batches and fits. */
  readonly stretch?: Stretch;
}

/** A finished cache, and the count of each remark about the images of this session. */
export interface Extracted {
  readonly index: CacheIndex;
  readonly remarks: Readonly<Record<string, number>>;
}

interface CacheOptions extends ExtractOptions {
  readonly pixels: boolean;
  readonly batch: number;
  readonly shardRecords: number;
  readonly stretch: Stretch;
}

const LOCK_FILE = 'writer.lock';
const SHARD_RECORDS = 8192;
/** Pixels encoded together. */
const BATCH_PIXELS = 32 * 64 * 64;

const batchFor = (size: number): number => Math.min(Math.max(Math.round(BATCH_PIXELS / size ** 2), 1), 64);

/**
 * Writes the cache of `images`, or the rest of it; a finished one is left as it is.
 * @throws an error the user can fix where a cache of other images or another request is there.
 */
export async function extract(
  images: ImageDataset,
  features: VaeFeatures,
  options: ExtractOptions,
  reporter: Reporter = silent,
): Promise<Extracted> {
  const { out, like, pixels = false, retry = false } = options;
  if (like !== undefined) await assertClassesOf(like, images);
  const recipe = { ...cacheRecipe(features), images: { sha256: images.sha256 } };
  const finished = await readIndex(out);
  if (finished) {
    const wanted = { recipe, fields: byName(cacheFields(features, pixels)) };
    const [difference] = differences({ ...finished, fields: byName(finished.fields) }, wanted);
    if (difference !== undefined) {
      const [classes] = differences({ classes: finished.classes }, { classes: images.classes });
      const remedy = classes === undefined ? '' : `, or keep its classes with --like ${out}`;
      throw userError(
        `${out} was made otherwise: its ${difference}; choose another folder or remove this one${remedy}.`,
      );
    }
    if (!retry) return { index: finished, remarks: {} };
  }
  await mkdir(out, { recursive: true });
  const lock = await takeLock(join(out, LOCK_FILE), reporter.say);
  const { batch = batchFor(images.size), shardRecords = SHARD_RECORDS, stretch = unwatched } = options;
  const chosen = { ...options, pixels, batch, shardRecords, stretch };
  const write = async (): Promise<Extracted> => {
    if (retry) await retryDropped(images, out, recipe, reporter);
    const index = await readIndex(out);
    return index ? { index, remarks: {} } : writeCache(images, features, chosen, recipe, reporter);
  };
  return write().finally(lock.release);
}

/** Refuses images whose classes are not those of the cache `like`, in its order: their labels would mean others. */
async function assertClassesOf(like: string, { path, classes }: ImageDataset): Promise<void> {
  const plan = await readPlan(like);
  if (plan === undefined || plan.classes.join('\n') === classes.join('\n')) return;
  throw userError(
    `${path} has the classes ${classes.join(', ')}, and ${like} has ${plan.classes.join(', ')}: open the images with the classes of that cache.`,
  );
}

async function writeCache(
  images: ImageDataset,
  features: VaeFeatures,
  options: CacheOptions,
  recipe: Readonly<Record<string, unknown>>,
  reporter: Reporter,
): Promise<Extracted> {
  const { out, pixels, shardRecords } = options;
  const norms = await cacheNorms(images, features, options, reporter);
  const attachments = {
    [IMAGES_FILE]: encodeImageList(images),
    ...(norms === undefined ? {} : { [STATISTICS_FILE]: encodeNorms(norms) }),
  };
  const plan = cachePlan(
    {
      items: images.names.length,
      fields: cacheFields(features, pixels),
      shardRecords,
      classes: images.classes,
      recipe,
    },
    attachments,
  );
  const writer = await openWriter(out, plan, attachments);
  const encoder = featureEncoder(features, norms ?? {});
  try {
    await checkSpace(out, plan, writer.position(), reporter);
    const records = { ...options, request: features.request };
    const remarks = await writeRecords(writer, encoder, images, records, reporter);
    return { index: await writer.finish(), remarks };
  } catch (error) {
    await writer.close();
    throw error;
  } finally {
    encoder.dispose();
  }
}
