/** Reasons of failed decodings: libvips keeps one text of errors for all threads of a process. */

const running = new Set<Promise<unknown>>();
let alone: Promise<unknown> = Promise.resolve();

/**
 * Result of `decode`, which may run many at a time; one that fails runs again with no other beside it, so that the reason it gives is
 * its own.
 */
export async function withOwnReason<T>(decode: () => Promise<T>): Promise<T> {
  for (let seen: unknown; seen !== alone; ) {
    seen = alone;
    await alone;
  }
  const first = decode();
  running.add(first);
  try {
    return await first;
  } catch {
    const before = alone;
    const again = before.then(() => Promise.allSettled(running)).then(decode);
    alone = again.catch(() => undefined);
    return again;
  } finally {
    running.delete(first);
  }
}
