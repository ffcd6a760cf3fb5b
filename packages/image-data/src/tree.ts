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
  /** What is unusual about the root, as sentences without its path. */
  readonly notes: readonly string[];
  /** The bytes of one of `files`. */
  read(file: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The notes of trees as sentences, each once: with the path of the first, and the number of others it is true of. */
export function describeNotes(trees: readonly Pick<FileTree, 'path' | 'notes'>[]): string[] {
  const paths = new Map<string, string[]>();
  for (const { path, notes } of trees)
    for (const note of notes) {
      const same = paths.get(note);
      if (same) same.push(path);
      else paths.set(note, [path]);
    }
  return [...paths].map(([note, [first, ...more]]) => {
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    return `${first}${others}: ${note}.`;
  });
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
