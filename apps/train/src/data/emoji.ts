/** The training images: emoji labelled with their Unicode group, drawn once and kept on disk. */
import { join } from 'node:path';
import envPaths from 'env-paths';
import { codeFraction, EMOJI_CLASSES, type EmojiSet, emojiSetVersion, listEmoji } from './emoji-set.ts';
import { CACHE_VERSION, type CachedImages, readImageCache, sha256, writeImageCache } from './image-cache.ts';
import { renderEmoji } from './render.ts';

/** Labelled images: `[n, size, size, 3]` uint8 RGB, and a name, a code point key and a class index for each. */
export interface ImageSet {
  readonly images: Uint8Array<ArrayBuffer>;
  readonly size: number;
  readonly labels: Int32Array<ArrayBuffer>;
  readonly names: readonly string[];
  readonly codes: readonly string[];
  readonly classes: readonly string[];
  /** Of all pixels; two runs with the same value saw the same images. */
  readonly sha256: string;
}

/** Which images to load, and who hears about it. */
export interface LoadEmojiOptions {
  readonly sets: readonly EmojiSet[];
  /** Side in pixels. */
  readonly size: number;
  /** At most this many images of each class and set; null for all. */
  readonly perClass?: number | null;
  /** `defaultCacheDir()` unless given. */
  readonly cacheDir?: string;
  readonly onProgress?: (done: number, total: number, set: EmojiSet) => void;
  /** Hears why a cache on disk is discarded. */
  readonly say?: (message: string) => void;
}

/** Rows of an `ImageSet` to train on and to hold out, both ascending. */
export interface Split {
  readonly train: Int32Array<ArrayBuffer>;
  readonly heldOut: Int32Array<ArrayBuffer>;
}

/** The folder for what can be made again: `$AHPA_CACHE`, or `ahpa` in the user's cache folder. */
export function defaultCacheDir(): string {
  const { AHPA_CACHE } = process.env;
  return AHPA_CACHE || envPaths('ahpa', { suffix: '' }).cache;
}

/** Loads emoji sets one after the other, drawing those that are not on disk. */
export async function loadEmoji(options: LoadEmojiOptions): Promise<ImageSet> {
  const parts: CachedImages[] = [];
  for (const set of options.sets) parts.push(await loadSet(set, options));
  const images = new Uint8Array(parts.reduce((bytes, part) => bytes + part.images.length, 0));
  let offset = 0;
  for (const part of parts) {
    images.set(part.images, offset);
    offset += part.images.length;
  }
  return {
    images,
    size: options.size,
    labels: Int32Array.from(parts.flatMap((part) => part.index.labels)),
    names: parts.flatMap((part) => part.index.names),
    codes: parts.flatMap((part) => part.index.codes),
    classes: EMOJI_CLASSES,
    sha256: sha256(images),
  };
}

/** Holds out the share `holdOut` of the emoji, chosen by their code points: an emoji is on the same side in every set. */
export function split({ codes }: Pick<ImageSet, 'codes'>, holdOut = 0.1): Split {
  const rows = codes.map((code, row) => ({ row, held: codeFraction('split', code) < holdOut }));
  return {
    train: Int32Array.from(rows.filter(({ held }) => !held).map(({ row }) => row)),
    heldOut: Int32Array.from(rows.filter(({ held }) => held).map(({ row }) => row)),
  };
}

async function loadSet(set: EmojiSet, options: LoadEmojiOptions): Promise<CachedImages> {
  const { size, perClass = null, cacheDir = defaultCacheDir() } = options;
  const stem = join(cacheDir, `emoji-${set}-${size}${perClass === null ? '' : `-first${perClass}`}`);
  const packageVersion = emojiSetVersion(set);
  const cached = await readImageCache(stem, packageVersion);
  if (typeof cached === 'object') return cached;
  if (cached) options.say?.(`Drawing the ${set} emoji again: ${cached}.`);
  const emoji = listEmoji(set, perClass);
  const images = await renderEmoji(emoji, size, (done, total) => options.onProgress?.(done, total, set));
  const index = {
    version: CACHE_VERSION,
    set,
    packageVersion,
    size,
    count: emoji.length,
    names: emoji.map(({ name }) => name),
    codes: emoji.map(({ code }) => code),
    labels: emoji.map(({ label }) => label),
    classes: EMOJI_CLASSES,
    sha256: sha256(images),
  } as const;
  await writeImageCache(stem, { index, images });
  return { index, images };
}
