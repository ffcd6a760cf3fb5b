/** Reading of headers, which lie close together or far apart. */
import type { TarSource } from './tar-index.ts';

const [SMALLEST, LARGEST] = [1 << 12, 1 << 18];

/** A source that reads ahead, twice as far whenever that was of use and half as far whenever it was not. */
export function readingAhead({ size, read }: TarSource): TarSource {
  let window = new Uint8Array(0);
  let begin = 0;
  let ahead = SMALLEST;
  return {
    size,
    read: async (target, position) => {
      const end = begin + window.length;
      if (position < begin || position + target.length > end) {
        const close = position >= begin && position < end + ahead;
        ahead = close ? Math.min(2 * ahead, LARGEST) : Math.max(ahead / 2, SMALLEST);
        window = new Uint8Array(Math.max(target.length, ahead));
        window = window.subarray(0, await read(window, position));
        begin = position;
      }
      const found = window.subarray(position - begin, position - begin + target.length);
      target.set(found);
      return found.length;
    },
  };
}
