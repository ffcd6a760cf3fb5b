/** Emoji as data: drawn, then encoded into caches in the user's cache folder, each on first use. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMOJI_CLASSES, loadEmoji } from '@ahpa/emoji-data';
import { LockHeldError } from '@ahpa/file-lock';
import { splitByName } from '@ahpa/image-data';
import { openCache, verifyCache } from '@ahpa/latent-cache';
import type { Reporter } from '@ahpa/messages';
import type { EmojiData } from '../config/types.ts';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { batchShape, type Data, type FeatureContext, once } from './data.ts';
import { cacheExamples, type Examples } from './examples.ts';
import { extract } from './extract.ts';
import { emojiPictures, type Pictures } from './pictures.ts';
import { recipeOf } from './request.ts';

const WAIT_MS = 1000;

/** Extracts unless that is done, or waits for a process that is at it. */
async function ensureCache(
  folder: string,
  pictures: Pictures,
  like: string | undefined,
  context: FeatureContext,
): Promise<void> {
  const { files, vae, request, reporter } = context;
  const options = { out: folder, like, pixels: false, strict: true };
  for (let waiting = false; ; waiting = true) {
    try {
      await extract(pictures, files, vae, request, options, { ...reporter, say: () => undefined });
      return;
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      if (!waiting) reporter.say(`Waiting for another process that encodes the same images into ${folder}.`);
      await sleep(WAIT_MS);
    }
  }
}

/** Examples of pictures, from the user's cache folder; made again, saying so, where that is damaged. */
async function examplesOf(
  pictures: Pictures,
  like: string | undefined,
  context: FeatureContext,
): Promise<Examples & { folder: string }> {
  const { files, request } = context;
  const { calibration } = request.hierarchy;
  const key = JSON.stringify([pictures.sha256, recipeOf(files, request), calibration, like ?? null]);
  const hash = createHash('sha256').update(key).digest('hex');
  const folder = join(defaultCacheDir(), `features-${hash.slice(0, 16)}`);
  await ensureCache(folder, pictures, like, context).catch(async (error: Error) => {
    if (!/damaged/.test(error.message)) throw error;
    await again(folder, error.message, pictures, like, context);
  });
  const [problem] = await verifyCache(folder);
  if (problem !== undefined) await again(folder, problem, pictures, like, context);
  return { ...cacheExamples(await openCache(folder), batchShape(context), pictures), folder };
}

async function again(
  folder: string,
  problem: string,
  pictures: Pictures,
  like: string | undefined,
  context: FeatureContext,
): Promise<void> {
  context.reporter.warn(`Computing the features again: ${problem}.`);
  await rm(folder, { recursive: true });
  await ensureCache(folder, pictures, like, context);
}

/** Opens emoji as data. */
export function openEmoji({ sets, size, perClass, holdOut }: EmojiData, reporter: Reporter): Data {
  return {
    size,
    classes: EMOJI_CLASSES,
    examples: async (context) => {
      const set = await loadEmoji({ sets, size, perClass, cacheDir: defaultCacheDir() }, reporter);
      const sides = splitByName(set.codes, holdOut);
      const train = await examplesOf(emojiPictures(set, sides.train), undefined, context);
      const heldOut = once(() => examplesOf(emojiPictures(set, sides.heldOut), train.folder, context));
      return { train, heldOut, dispose: () => undefined };
    },
    close: async () => undefined,
  };
}
