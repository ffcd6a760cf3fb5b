/** Marks of the finished batches of an output: one byte a batch, set after its images are on disk, shared by all processes. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** An open file of marks. */
export interface Marks {
  /** Whether a batch was marked, as of when the file was opened or by `mark`. */
  has(batch: number): boolean;
  mark(batch: number): Promise<void>;
  /** Whether every batch is marked now, by any process. */
  complete(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens the marks of so many batches, all unmarked where there is no file. */
export async function openMarks(path: string, batches: number): Promise<Marks> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT);
  const read = async (): Promise<Uint8Array> => {
    const bytes = new Uint8Array(batches);
    await file.read(bytes, 0, batches, 0);
    return bytes;
  };
  const known = await read();
  return {
    has: (batch) => known[batch] === 1,
    mark: async (batch) => {
      await file.write(Uint8Array.of(1), 0, 1, batch);
      await file.datasync();
      known[batch] = 1;
    },
    complete: async () => (await read()).every((byte) => byte === 1),
    close: () => file.close(),
  };
}
