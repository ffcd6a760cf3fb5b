/** Caches of features as a kind of data. */
import { optionalText, section, text } from '@ahpa/options';
import { defineData, holdOut } from './kind.ts';

const options = section({
  path: text('Folder of the cache to train on.'),
  heldOut: optionalText('Folder of a cache that is never trained on, made with --like; null for none.'),
  holdOut,
});

/** Caches that `extract` wrote. */
export const cacheData = defineData({
  kind: 'cache',
  label: 'Features that ahpa extract wrote.',
  options,
  open: async (options, reporter) => (await import('./open-cache.ts')).openCacheData(options, reporter),
});
