/** A running registry. */
export interface Registry {
  /** Its address. */
  readonly url: string;
  /** What a user of it has in `.npmrc`. */
  readonly npmrc: string;
  close(): void;
}

export function startRegistry(folder: string, upstream?: string): Promise<Registry>;
