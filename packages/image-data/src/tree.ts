/** Files below one root: a folder, a zip archive or a tar archive. */
import type { LeftOut } from './left-out.ts';

/** Named files that can be read in any order. */
export interface FileTree {
  /** Path of the root, for messages. */
  readonly path: string;
  /** Paths with `/`, sorted. */
  readonly files: readonly string[];
  /** What the root holds besides them. */
  readonly leftOut: readonly LeftOut[];
  /** The bytes of one of `files`. */
  read(file: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * The subtree below `folder`, with paths relative to it.
 * @throws Error where there are no files
 */
export function subtree(tree: FileTree, folder: string): FileTree {
  const prefix = `${folder.replace(/\/+$/, '')}/`;
  const files = tree.files.filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length));
  if (files.length === 0) {
    const tops = [...new Set(tree.files.map((file) => file.split('/')[0]))].slice(0, 8).join(', ');
    throw new Error(
      `${tree.path}: there are no files below ${folder}, wanted one of ${tops || 'no folders'}.`,
    );
  }
  return {
    ...tree,
    path: `${tree.path}/${prefix.slice(0, -1)}`,
    files,
    read: (file) => tree.read(prefix + file),
  };
}
