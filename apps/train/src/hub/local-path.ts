/** Places of models and VAEs: paths on this machine, or names on the Hugging Face hub. */
import type { HubReporter } from './hub.ts';
import { isHub } from './reference.ts';

/** The path of a place: what `hf:org/name` names is downloaded where the cache lacks it, anything else is a path already. */
export async function localPath(place: string, reporter?: HubReporter): Promise<string> {
  if (!isHub(place)) return place;
  const { fromHub } = await import('./hub.ts');
  return fromHub(place, reporter);
}
