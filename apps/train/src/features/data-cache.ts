/** Data from caches that `ahpa extract` wrote. */
import { type CacheReader, differences, openCache, readAttachment } from '@ahpa/latent-cache';
import { userError } from '@ahpa/messages';
import type { CacheData } from '../config/types.ts';
import { batchShape, cutByName, type Data, type FeatureContext, once } from './data.ts';
import { cacheExamples, type Examples } from './examples.ts';
import { IMAGES_FILE } from './extract.ts';
import { STATISTICS_FILE } from './norms.ts';
import { recipeOf } from './request.ts';
import { withTeacher } from './teacher.ts';

/** Opens a cache; throws where there is none, or only part of one. */
async function openChecked(folder: string): Promise<CacheReader> {
  return openCache(folder).catch((cause: Error) => {
    throw userError(cause.message, { cause });
  });
}

/** Refuses a cache that was made otherwise, naming the key. */
function checkRecipe({ folder, index }: CacheReader, { files, request }: FeatureContext): void {
  const [difference] = differences(index.recipe, recipeOf(files, request));
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

async function heldOutCache(path: string, train: CacheReader, context: FeatureContext): Promise<Examples> {
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
  return cacheExamples(cache, batchShape(context));
}

/** Opens caches as data. */
export async function openCacheData({ path, heldOut, holdOut }: CacheData): Promise<Data> {
  const cache = await openChecked(path);
  const { size } = cache.index.recipe['image'] as { size: number };
  return {
    size,
    classes: cache.index.classes,
    examples: async (context) => {
      checkRecipe(cache, context);
      const all = withTeacher(cacheExamples(cache, batchShape(context)), context.teacher);
      const cut = cutByName(all, holdOut > 0 ? await recordNames(cache) : [], holdOut);
      const other = once(() => heldOutCache(heldOut as string, cache, context));
      return { ...cut, heldOut: heldOut === null ? once(cut.heldOut) : other, dispose: () => undefined };
    },
    close: async () => cache.close(),
  };
}
