/** Opens emoji as data: drawn, then encoded into caches in the user's cache folder, each on first use. */
import { EMOJI_CLASSES, type LoadEmojiOptions, listEmoji, loadEmoji } from '@ahpa/emoji-data';
import { splitByName } from '@ahpa/image-data';
import {
  cachedFeatures,
  countLabels,
  type DataSource,
  describeData,
  memoryDataset,
  once,
} from '@ahpa/image-features';
import type { Reporter } from '@ahpa/messages';
import { defaultCacheDir } from '../files/cache-folder.ts';

/** Emoji to train on and the share of them to hold out. */
export interface EmojiDataOptions extends Omit<LoadEmojiOptions, 'cacheDir'> {
  readonly holdOut: number;
}

/** Emoji as data, and a sentence on what was found; nothing is drawn before features are asked for. */
export function openEmoji(
  { sets, size, perClass = null, holdOut }: EmojiDataOptions,
  reporter: Reporter,
): DataSource {
  const cacheDir = defaultCacheDir();
  const labels = sets.flatMap((set) => listEmoji(set, perClass).map(({ label }) => label));
  const counts = countLabels(Int32Array.from(labels), EMOJI_CLASSES);
  reporter.say(describeData(`emoji of ${sets.join(', ')}`, { classes: EMOJI_CLASSES, counts }));
  return {
    size,
    classes: EMOJI_CLASSES,
    counts,
    splits: async (features) => {
      const set = await loadEmoji({ sets, size, perClass, cacheDir }, reporter);
      const all = { ...set, path: 'emoji' };
      const rows = splitByName(set.codes, holdOut);
      const cached = (images: typeof rows.train, like?: string) =>
        cachedFeatures({ images: memoryDataset(all, images), features, cacheDir, like }, features.reporter);
      const train = await cached(rows.train);
      const heldOut = once(() => cached(rows.heldOut, train.folder));
      return { train, heldOut, dispose: () => undefined };
    },
    close: async () => undefined,
  };
}
