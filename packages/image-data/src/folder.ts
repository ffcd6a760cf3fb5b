/** A folder of files as a tree. */
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileTree } from './tree.ts';
import { type FileSystem, type Followed, type Item, walk } from './walk.ts';

interface Typed {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function kindOf(entry: Typed): Item['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

async function list(folder: string): Promise<Item[]> {
  const items: Item[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    // Node gives U+FFFD for bytes that are no UTF-8, and opens no file by it.
    const known = !name.includes('\ufffd') || (await lstat(join(folder, name)).catch(() => undefined));
    items.push(known ? { name, kind: kindOf(entry) } : { name, kind: 'other', reason: 'not named in UTF-8' });
  }
  return items;
}

async function follow(path: string): Promise<Followed> {
  try {
    const kind = kindOf(await stat(path));
    if (kind === 'folder') return { kind, real: await realpath(path) };
    return kind === 'file' ? { kind, real: path } : { reason: 'no regular file' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { reason: 'linked to nothing' };
    if (code === 'ELOOP') return { reason: 'linked in a circle' };
    throw error;
  }
}

const DISK: FileSystem = { list, follow };

/** All regular files below a folder, links followed; names that begin with a dot are left out. */
export async function openFolder(path: string): Promise<FileTree> {
  const { files, leftOut, notes } = await walk(path, await realpath(path), DISK);
  return {
    path,
    files: [...files.keys()],
    leftOut,
    notes,
    read: (file) => readFile(join(path, file)),
    close: async () => undefined,
  };
}
