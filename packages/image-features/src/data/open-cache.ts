/** Opens caches as data. */
import { type CacheReader, differences, openCache, readAttachment } from '@ahpa/latent-cache';
import { type Reporter, userError } from '@ahpa/messages';
import { cacheDataset, type Dataset } from '../dataset.ts';
import { IMAGES_FILE } from '../extract/extract.ts';
import { cacheRecipe } from '../feature-request.ts';
import { STATISTICS_FILE } from '../norms/fitted-norms.ts';
import { withTeacher } from '../teacher.ts';
import {
  countLabels,
  type DataSource,
  describeData,
  type FeatureContext,
  once,
  splitDataset,
} from './source.ts';

/** Caches to train on and to hold out. */
export interface CacheDataOptions {
  /** Folder of the cache to train on. */
  readonly path: string;
  /** Folder of a cache that is never trained on; null, the default, for none. */
  readonly heldOut?: string | null;
  /** Share of the images that is never trained on, chosen by name; default 0. */
  readonly holdOut?: number;
}

/** Opens a cache. @throws an error the user can fix where there is none, or only part of one. */
async function openChecked(folder: string): Promise<CacheReader> {
  return openCache(folder).catch((cause: Error) => {
    throw userError(cause.message, { cause });
  });
}

/** Refuses a cache that was made otherwise, naming the key. */
function checkRecipe({ folder, index }: CacheReader, context: FeatureContext): void {
  const [difference] = differences(index.recipe, cacheRecipe(context));
  if (difference === undefined) return;
  throw userError(
    `${folder} does not fit the configuration: its ${difference}; extract again or change the configuration.`,
  );
}

/** Names of the images in a cache, by record. */
async function recordNames({ folder, index }: CacheReader): Promise<string[]> {
  const lines = new TextDecoder().decode(await readAttachment(folder, index, IMAGES_FILE)).split('\n');
  const dropped = new Set(index.dropped.map(({ row }) => row));
  return lines
    .slice(0, index.items)
    .flatMap((line, row) => (dropped.has(row) ? [] : [line.slice(line.indexOf('\t') + 1)]));
}

async function heldOutCache(path: string, train: CacheReader, context: FeatureContext): Promise<Dataset> {
  if (context.teacher !== undefined)
    throw userError(
      `${context.teacher.path} is of ${train.folder} alone: hold images out with data.holdOut.`,
    );
  const cache = await openChecked(path);
  checkRecipe(cache, context);
  const own = (index: CacheReader['index']): unknown => ({
    classes: index.classes,
    statistics: index.attachments[STATISTICS_FILE],
  });
  const [difference] = differences(own(cache.index), own(train.index));
  if (difference !== undefined)
    throw userError(
      `${path} does not fit ${train.folder}: its ${difference}; extract it with --like ${train.folder}.`,
    );
  return cacheDataset(cache, context);
}

/** Opens caches as data, and says what was found. @throws an error the user can fix where they are missing, unfinished or made otherwise. */
export async function openCacheData(
  { path, heldOut = null, holdOut = 0 }: CacheDataOptions,
  reporter?: Reporter,
): Promise<DataSource> {
  const cache = await openChecked(path);
  const { size } = cache.index.recipe['image'] as { size: number };
  const { classes, count } = cache.index;
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  const counts = countLabels(cache.gather('label', rows) as Int32Array, classes);
  reporter?.say(describeData(path, { classes, counts }));
  return {
    size,
    classes,
    counts,
    splits: async (context) => {
      checkRecipe(cache, context);
      const all = withTeacher(cacheDataset(cache, context), context.teacher);
      const split = splitDataset(all, holdOut > 0 ? await recordNames(cache) : [], holdOut);
      const other = heldOut === null ? split.heldOut : once(() => heldOutCache(heldOut, cache, context));
      return { train: split.train, heldOut: other, dispose: () => undefined };
    },
    close: async () => cache.close(),
  };
}
