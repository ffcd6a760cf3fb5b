/** The port through which a library reports progress; default `silent`. */

/** A task in progress. */
export interface Progress<P = undefined> {
  /** Sets the units done, with the values shown beside them. */
  update(value: number, payload: P): void;
  stop(): void;
}

/** State of a task that its line of text can show. */
export interface ProgressState<P = undefined> {
  readonly value: number;
  readonly total: number;
  /** Units a second over the last half minute; NaN before the second update. */
  readonly perSecond: number;
  readonly secondsLeft: number;
  readonly payload: P;
}

/** Turns the state of a task into the text after its label. */
export type ProgressFormat<P = undefined> = (state: ProgressState<P>) => string;

/** Notices, warnings and progress. */
export interface Reporter {
  say(text: string): void;
  warn(text: string): void;
  /** Starts a bar of `total` units; stop it before another starts. Count and time left are shown unless `format` is given. */
  progress<P = undefined>(label: string, total: number, format?: ProgressFormat<P>): Progress<P>;
}

/** A reporter that reports nothing. */
export const silent: Reporter = {
  say: () => undefined,
  warn: () => undefined,
  progress: () => ({ update: () => undefined, stop: () => undefined }),
};
