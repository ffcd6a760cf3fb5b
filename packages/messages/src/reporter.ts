/** The port through which a library reports progress; default `silent`. */

/** A task in progress. */
export interface Progress<P = undefined> {
  /** Sets the units done, with the values shown beside them. */
  update(value: number, payload: P): void;
  stop(): void;
}

/** Notices, warnings and progress. */
export interface Reporter {
  say(text: string): void;
  warn(text: string): void;
  /** Starts a bar of `total` units; stop it before another starts. */
  progress(label: string, total: number): Progress;
}

/** A reporter that reports nothing. */
export const silent: Reporter = {
  say: () => undefined,
  warn: () => undefined,
  progress: () => ({ update: () => undefined, stop: () => undefined }),
};
