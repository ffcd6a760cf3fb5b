/** A folder of files as a tree. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { countLeftOut } from './left-out.ts';
import type { FileTree } from './tree.ts';

/** All files below a folder; names that begin with a dot are left out. */
export async function openFolder(path: string): Promise<FileTree> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const all = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ parentPath, name }) => relative(path, join(parentPath, name)).split(sep).join('/'))
    .sort();
  const hidden = (file: string): boolean => /(^|\/)\./.test(file);
  return {
    path,
    files: all.filter((file) => !hidden(file)),
    leftOut: countLeftOut(all.filter(hidden).map((file) => [file, 'hidden'])),
    read: (file) => readFile(join(path, file)),
    close: async () => undefined,
  };
}
