/** The port through which a library announces work during which the event loop does not turn; default `unwatched`. */

/**
 * Does `work` that may keep the event loop from turning, such as a step or the decoding of a batch. Work of one `kind` takes about as
 * long each time. The program decides what becomes of a signal meanwhile.
 */
export type Stretch = <T>(kind: string, work: () => T | Promise<T>) => Promise<T>;

/** Work without an announcement. */
export const unwatched: Stretch = async (_, work) => work();
