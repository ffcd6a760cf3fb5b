/** Emoji labelled with their Unicode group, drawn once and kept on disk. */
import { join } from 'node:path';
import { type Reporter, silent } from '@ahpa/messages';
import { CACHE_VERSION, type CachedImages, readImageCache, sha256, writeImageCache } from './image-cache.ts';
import { emojiSetVersion, listEmoji } from './list-emoji.ts';
import { renderEmoji } from './render.ts';
import { EMOJI_CLASSES, type EmojiSet } from './sets.ts';

/** Labelled images: `[n, size, size, 3]` uint8 RGB, and a name, a code point key and a class index for each. */
export interface ImageSet {
  readonly images: Uint8Array<ArrayBuffer>;
  readonly size: number;
  readonly labels: Int32Array<ArrayBuffer>;
  readonly names: readonly string[];
  readonly codes: readonly string[];
  readonly classes: readonly string[];
  /** SHA-256 of all pixels. */
  readonly sha256: string;
}

/** Images to load. */
export interface LoadEmojiOptions {
  readonly sets: readonly EmojiSet[];
  /** Side in pixels. */
  readonly size: number;
  /** At most this many images of each class and set; default null, all. */
  readonly perClass?: number | null;
  /** Folder of the drawn images. */
  readonly cacheDir: string;
}

/** Emoji sets one after the other as one image set; sets that are not on disk, or damaged there, are drawn. */
export async function loadEmoji(options: LoadEmojiOptions, reporter: Reporter = silent): Promise<ImageSet> {
  const parts: CachedImages[] = [];
  for (const set of options.sets) parts.push(await loadSet(set, options, reporter));
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

async function loadSet(
  set: EmojiSet,
  { size, perClass = null, cacheDir }: LoadEmojiOptions,
  reporter: Reporter,
): Promise<CachedImages> {
  const stem = join(cacheDir, `emoji-${set}-${size}${perClass === null ? '' : `-first${perClass}`}`);
  const packageVersion = emojiSetVersion(set);
  const cached = await readImageCache(stem, packageVersion);
  if (typeof cached === 'object') return cached;
  if (cached) reporter.warn(`Drawing the ${set} emoji again: ${cached}.`);
  const emoji = listEmoji(set, perClass);
  const bar = reporter.progress(`drawing ${set}`, emoji.length);
  const images = await renderEmoji(emoji, size, (done) => bar.update(done, undefined)).finally(() =>
    bar.stop(),
  );
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
