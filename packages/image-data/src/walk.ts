/** Every file below a root, links followed. */
import { countLeftOut, type LeftOut } from './left-out.ts';
import { isHidden, similarNames } from './names.ts';

/** A member of a folder; `reason` is that for leaving it out. */
export interface Item {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly reason?: string;
}

/** A file or folder by its path without links, or the reason for leaving a link out. */
export type Followed =
  | { readonly kind: 'file' | 'folder'; readonly real: string }
  | { readonly reason: string };

/** Folders by their paths without links, as a disk or an archive holds them. */
export interface FileSystem {
  list(folder: string): Promise<Iterable<Item>>;
  /** The destination of the link at `path`. */
  follow(path: string): Promise<Followed>;
}

/** Files found, and what was not. */
export interface Walked {
  /** Paths without links by name, sorted by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
}

/** Links that are followed at once. */
const BATCH = 256;
/** Upper bound of linked folders, which can multiply without end. */
const MOST_LINKED = 1 << 20;

/**
 * All files below the folder `root`; hidden ones, broken links and links into a folder that holds them are left out.
 * `path` names the source in errors.
 * @throws Error where links multiply folders beyond 2^20
 */
export async function walk(path: string, root: string, { list, follow }: FileSystem): Promise<Walked> {
  const files: (readonly [name: string, real: string])[] = [];
  const leftOut: (readonly [name: string, reason: string])[] = [];
  let linked = 0;

  const visit = async (prefix: string, above: readonly string[], hidden: boolean): Promise<void> => {
    const folder = above.at(-1) as string;
    const at = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
    const links: string[] = [];
    for (const { name, kind, reason } of await list(folder)) {
      const below = hidden || isHidden(name);
      if (kind === 'folder') await visit(`${prefix}${name}/`, [...above, at(name)], below);
      else if (below) leftOut.push([prefix + name, 'hidden']);
      else if (kind === 'file') files.push([prefix + name, at(name)]);
      else if (kind === 'link') links.push(name);
      else leftOut.push([prefix + name, reason ?? 'no regular file']);
    }
    for (let begin = 0; begin < links.length; begin += BATCH) {
      const batch = links.slice(begin, begin + BATCH);
      const ends = await Promise.all(batch.map((name) => follow(at(name))));
      for (const [i, end] of ends.entries()) await enter(prefix + batch[i], above, end);
    }
  };

  const enter = async (name: string, above: readonly string[], end: Followed): Promise<void> => {
    if ('reason' in end) leftOut.push([name, end.reason]);
    else if (end.kind === 'file') files.push([name, end.real]);
    else if (above.includes(end.real)) leftOut.push([name, 'linked to a folder around it']);
    else if (++linked > MOST_LINKED)
      throw new Error(`${path}: links lead to more than ${MOST_LINKED} folders, the last ${name}.`);
    else await visit(`${name}/`, [...above, end.real], false);
  };

  await visit('', [root], false);
  files.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    files: new Map(files),
    leftOut: countLeftOut(leftOut),
    notes: similarNames(files.map(([name]) => name)),
  };
}
