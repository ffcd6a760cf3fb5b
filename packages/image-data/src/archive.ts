/** Members of an archive as a tree, with links that stay inside it. */
import type { FileTree } from './tree.ts';
import { type FileSystem, type Followed, type Item, walk } from './walk.ts';

/** A member by its clean name: a file, a symbolic link, or one that is left out. */
export type Member<T> =
  | { readonly name: string; readonly content: T }
  | { readonly name: string; readonly target: string }
  | { readonly name: string; readonly reason: string };

/** An open archive. */
export interface Archive<T> {
  readonly path: string;
  readonly members: Iterable<Member<T>>;
  /** Sentences about the archive, without its path. */
  readonly notes: readonly string[];
  read(content: T, name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Links on the way to one file, and characters of a link, as in Linux. */
const MOST_LINKS = 40;
const LONGEST_LINK = 4096;

const parent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

type Folders = Map<string, Item[]>;

function addTo(folders: Folders, folder: string): Item[] {
  const known = folders.get(folder);
  if (known) return known;
  const items: Item[] = [];
  folders.set(folder, items);
  addTo(folders, parent(folder)).push({ name: folder.slice(folder.lastIndexOf('/') + 1), kind: 'folder' });
  return items;
}

/** Follows links by name; every destination is a member or left out. */
function follower(
  folders: Folders,
  contents: ReadonlyMap<string, unknown>,
  targets: ReadonlyMap<string, string>,
) {
  return (path: string): Followed => {
    if (folders.has(path)) return { reason: 'linked under the name of a folder' };
    const rest = [path];
    let at = '';
    for (let links = 0; rest.length > 0; ) {
      const part = rest.shift() as string;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at === '') return { reason: 'linked to outside the archive' };
        at = parent(at);
        continue;
      }
      const next = at === '' ? part : `${at}/${part}`;
      const target = folders.has(next) ? undefined : targets.get(next);
      if (target === undefined) at = next;
      else if (target.startsWith('/')) return { reason: 'linked to outside the archive' };
      else if (++links > MOST_LINKS || target.length > LONGEST_LINK) return { reason: 'linked in a circle' };
      else {
        at = parent(next);
        rest.unshift(...target.split('/'));
      }
    }
    if (folders.has(at)) return { kind: 'folder', real: at };
    return contents.has(at) ? { kind: 'file', real: at } : { reason: 'linked to nothing in the archive' };
  };
}

/** The files of an archive, with what links inside it lead to. */
export async function archiveTree<T>({ path, members, notes, read, close }: Archive<T>): Promise<FileTree> {
  const contents = new Map<string, T>();
  const targets = new Map<string, string>();
  const folders: Folders = new Map([['', []]]);
  for (const member of members) {
    const items = addTo(folders, parent(member.name));
    const name = member.name.slice(member.name.lastIndexOf('/') + 1);
    if ('content' in member) {
      contents.set(member.name, member.content);
      items.push({ name, kind: 'file' });
    } else if ('target' in member) {
      targets.set(member.name, member.target);
      items.push({ name, kind: 'link' });
    } else items.push({ name, kind: 'other', reason: member.reason });
  }
  const follow = follower(folders, contents, targets);
  const system: FileSystem = {
    list: async (folder) => folders.get(folder) ?? [],
    follow: async (at) => follow(at),
  };
  const walked = await walk(path, '', system);
  return {
    path,
    files: [...walked.files.keys()],
    leftOut: walked.leftOut,
    notes: [...notes, ...walked.notes],
    read: (file) => read(contents.get(walked.files.get(file) as string) as T, file),
    close,
  };
}
