/** A tar archive as a tree; only its headers are read when it is opened. */
import { open } from 'node:fs/promises';
import { countLeftOut } from './left-out.ts';
import { type TarEntry, tarEntries } from './tar-index.ts';
import type { FileTree } from './tree.ts';

/**
 * The files of an uncompressed tar archive; of files with the same name the last counts, as in `tar`.
 * @throws Error where the archive is damaged or cut off
 */
export async function openTar(path: string): Promise<FileTree> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const read = async (target: Uint8Array, position: number): Promise<number> =>
      (await file.read(target, 0, target.length, position)).bytesRead;
    const entries = new Map<string, TarEntry>();
    const hidden: string[] = [];
    for (const entry of await tarEntries({ size, read }, path)) {
      const name = entry.name.replace(/^(\.\/)+/, '');
      if (/(^|\/)\./.test(name)) hidden.push(name);
      else entries.set(name, entry);
    }
    return {
      path,
      files: [...entries.keys()].sort(),
      leftOut: countLeftOut(hidden.map((name) => [name, 'hidden'])),
      read: async (name) => {
        const { offset, size: length } = entries.get(name) as TarEntry;
        const bytes = new Uint8Array(length);
        if ((await read(bytes, offset)) < length)
          throw new Error(`${path}: the archive ends inside ${name}.`);
        return bytes;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
