/** A folder of files as a tree. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { FileTree } from './tree.ts';

/** All files below a folder; names that begin with a dot are left out. */
export async function openFolder(path: string): Promise<FileTree> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ parentPath, name }) => relative(path, join(parentPath, name)).split(sep).join('/'))
    .filter((file) => !/(^|\/)\./.test(file))
    .sort();
  return { path, files, read: (file) => readFile(join(path, file)), close: async () => undefined };
}
