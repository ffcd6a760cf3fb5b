/** The port through which a library reports to its user; silent where none is given. */

/** A task under way. */
export interface Progress<P = undefined> {
  /** Units done, with what the line shows beside them. */
  update(value: number, payload: P): void;
  stop(): void;
}

/** Notices, warnings and progress. */
export interface Reporter {
  say(text: string): void;
  warn(text: string): void;
  /** Starts a bar of `total` units, with their rate where `unit` names them (`img`); stop it before another starts. */
  progress(label: string, total: number, unit?: string): Progress;
}

/** A reporter that reports nothing. */
export const silent: Reporter = {
  say: () => undefined,
  warn: () => undefined,
  progress: () => ({ update: () => undefined, stop: () => undefined }),
};
