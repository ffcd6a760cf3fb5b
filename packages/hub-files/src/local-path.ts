/** Places of models and VAEs: paths on this machine, or names on the Hugging Face hub. */
import type { Reporter } from '@ahpa/messages';
import { isHub } from './reference.ts';

/**
 * Local path of a place: files of `hf:org/name` are downloaded where the cache lacks them, anything else is a path already.
 * @throws Error where the name has another form, the repository has no known weights or may not be read, or a download fails
 */
export async function localPath(place: string, reporter?: Reporter): Promise<string> {
  if (!isHub(place)) return place;
  const { fetchFromHub } = await import('./fetch.ts');
  return fetchFromHub(place, reporter);
}
