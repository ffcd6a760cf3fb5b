/** Configuration keys that have a new name; the old one is still read. */

/** A key, or a section with all its keys, under its old and its new name. */
export interface RenamedKey {
  /** Dotted path, such as `optim.learningRate`. */
  readonly oldPath: string;
  readonly newPath: string;
  /** The value under the new name, where it is another. */
  readonly convert?: (value: unknown) => unknown;
}

/** Applied one after the other. */
export const RENAMED: readonly RenamedKey[] = [];
