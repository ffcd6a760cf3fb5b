/** Opening of archives by the extension of their names. */
import { openTar } from './tar.ts';
import type { FileTree } from './tree.ts';
import { openZip } from './zip.ts';

/** Names of tar archives, also packed ones. */
export const TAR: RegExp = /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/i;

const OTHERS = /\.(tar\.(bz2|xz|lz4|lzma)|tbz2?|txz|7z|rar|gz|zst)$/i;

/**
 * A zip or tar archive as a tree; undefined where the name is that of neither.
 * @throws Error where the archive cannot be read, or is of a kind that is not
 */
export async function openArchive(path: string): Promise<FileTree | undefined> {
  if (/\.zip$/i.test(path)) return openZip(path);
  if (TAR.test(path)) return openTar(path);
  if (OTHERS.test(path))
    throw new Error(
      `${path}: this kind of archive is not read: unpack it, or make a .zip, .tar, .tar.gz or .tar.zst.`,
    );
  return undefined;
}
