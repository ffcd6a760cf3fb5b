/** The work of a benchmark and its timing. */

/** Repeatable work by the word that requests it; each call returns a number read from the device. */
export interface Work {
  readonly parameters: number;
  readonly kinds: Readonly<Record<string, () => number | Promise<number>>>;
}

/** Answer to a request `KIND N`. */
export interface Timing {
  /** Wall time of each. */
  readonly seconds: readonly number[];
  /** Part of it outside TensorFlow's own execution. */
  readonly hostSeconds?: readonly number[];
  readonly value: number;
  readonly peakRss: number;
}
