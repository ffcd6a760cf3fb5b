/** Places of models and VAEs: paths on this machine, or names on the Hugging Face hub. */
import type { Reporter } from '../report.ts';
import { isHub } from './reference.ts';

/** What tells the user of downloads; silent where absent. */
export type HubReporter = Pick<Reporter, 'warn' | 'progress'>;

/** The path of a place: what `hf:org/name` names is downloaded where the cache lacks it, anything else is a path already. */
export async function localPath(place: string, reporter?: HubReporter): Promise<string> {
  if (!isHub(place)) return place;
  const { fromHub } = await import('./hub.ts');
  return fromHub(place, reporter);
}
