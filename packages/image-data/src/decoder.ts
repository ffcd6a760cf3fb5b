/** Decoding of images in worker threads, beside the main thread. */
import { Piscina } from 'piscina';
import sharp from 'sharp';
import { type Decoded, decodeImage } from './decode.ts';
import { withOwnReason } from './own-reason.ts';

/** Decodes files, many at a time, of which each that fails gives its own reason; `close` ends its threads. */
export interface Decoder {
  decode(file: Uint8Array, size: number): Promise<Decoded>;
  close(): Promise<void>;
}

/** A decoder with `threads` worker threads; 0 decodes in the calling thread. */
export function createDecoder(
  threads: number,
  worker: URL = new URL('./worker.js', import.meta.url),
): Decoder {
  sharp.concurrency(1); // many images at a time, each on one thread
  if (threads === 0)
    return {
      decode: (file, size) => withOwnReason(() => decodeImage(file, size)),
      close: async () => undefined,
    };
  const pool = new Piscina({
    filename: worker.href,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 2,
  });
  return {
    decode: (file, size) =>
      withOwnReason(() => {
        const own = new Uint8Array(file); // a view would take all that it is a view of along
        return pool.run({ file: own, size }, { transferList: [own.buffer] }) as Promise<Decoded>;
      }),
    close: () => pool.destroy(),
  };
}
