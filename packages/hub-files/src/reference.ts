/** Names on the Hugging Face hub: `hf:org/name`, with a path and a revision in `hf:org/name/vae@main`. */
import { userError } from '@ahpa/messages';

/** A model repository, or a folder or file in it. */
export interface HubReference {
  /** `org/name`. */
  readonly repo: string;
  /** Folder or file in the repository; '' for all of it. */
  readonly path: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** Whether a place is named as one on the hub. */
export const isHub = (place: string): boolean => place.startsWith('hf:');

const PART = String.raw`[\w-][\w.-]*`;
const FORM = new RegExp(`^hf:(${PART}/${PART})((?:/${PART})*)(?:@(${PART}(?:/${PART})*))?$`);

/**
 * Repository, path and revision of `hf:org/name[/path][@revision]`.
 * @throws Error where `place` has another form
 */
export function parseHub(place: string): HubReference {
  const [, repo, path = '', revision = 'main'] = FORM.exec(place) ?? [];
  if (repo !== undefined) return { repo, path: path.slice(1), revision };
  throw userError(
    `"${place}" does not name a model on the hub, wanted hf:org/name, hf:org/name/folder or hf:org/name@revision.`,
  );
}
