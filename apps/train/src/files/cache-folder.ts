/** The user's cache folder. */
import envPaths from 'env-paths';

/** Folder for files that can be made again: `$AHPA_CACHE`, or `ahpa` in the user's cache folder. */
export function defaultCacheDir(): string {
  const { AHPA_CACHE } = process.env;
  return AHPA_CACHE || envPaths('ahpa', { suffix: '' }).cache;
}
