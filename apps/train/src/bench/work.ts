/** What a worker of a benchmark does, and what it answers. */

/** What a worker can do, by the word that asks for it; each call returns a number read from the device. */
export interface Work {
  readonly parameters: number;
  readonly kinds: Readonly<Record<string, () => number | Promise<number>>>;
}

/** Answer to `step N`, `infer N` or `encode N`. */
export interface Timing {
  /** Wall time of each. */
  readonly seconds: readonly number[];
  /** Part of it outside TensorFlow's own execution. */
  readonly hostSeconds?: readonly number[];
  readonly value: number;
  readonly peakRss: number;
}
