/** Background saving: a worker thread hashes and writes, one checkpoint at a time. */
import { Worker } from 'node:worker_threads';
import { saveCheckpoint, type Tensors } from './checkpoint.ts';
import { type RotationConfig, rotate } from './folder.ts';

/** One checkpoint to save. */
export interface SaveRequest {
  readonly folder: string;
  readonly step: number;
  /** Their memory is transferred and must not be used until `ready` returns it. */
  readonly tensors: Tensors;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly rotation: RotationConfig;
}

/** Reply of the thread: the transferred memory, and an error where saving failed. */
export interface SaveReply {
  readonly tensors: Tensors;
  readonly error?: { readonly message: string; readonly code?: string; readonly path?: string };
}

/** Saves one checkpoint after the other. */
export interface Saver {
  /**
   * Resolves when no checkpoint is being saved, to the tensors of the last one: their memory may be reused for the next, which avoids
   * a new allocation. Rejects with the error of a failed save.
   */
  ready(): Promise<Tensors | undefined>;
  /** Resolves when the thread has accepted the checkpoint, after the previous one is done. Rejects with the error of a failed save. */
  save(request: SaveRequest): Promise<void>;
  /**
   * Checks for a failed save.
   * @throws the error of that save
   */
  check(): void;
  /** Resolves when everything is on disk and the thread has ended; rejects where a save failed. */
  close(): Promise<void>;
}

/** Saves a checkpoint and deletes those that are not kept. */
export async function saveAndRotate({ folder, step, tensors, meta, rotation }: SaveRequest): Promise<void> {
  await saveCheckpoint(folder, step, tensors, meta);
  await rotate(folder, rotation);
}

/** The worker file exists only in the built package; from source, saving runs in the caller's thread. */
const THREAD = import.meta.url.endsWith('.ts') ? undefined : new URL('./saver-thread.js', import.meta.url);

/** A new saver; its thread starts with the first checkpoint. */
export function createSaver(): Saver {
  let worker: Worker | undefined;
  let underWay: Promise<Tensors | undefined> = Promise.resolve(undefined);
  let failure: Error | undefined;
  const check = (): void => {
    if (failure) throw failure;
  };
  const start = (request: SaveRequest): Promise<Tensors> => {
    if (THREAD === undefined) return saveAndRotate(request).then(() => request.tensors);
    worker ??= new Worker(THREAD);
    return hand(worker, request);
  };
  const ready = async (): Promise<Tensors | undefined> => {
    const memory = await underWay;
    check();
    return memory;
  };
  return {
    check,
    ready,
    async save(request) {
      await ready();
      underWay = start(request).catch((error: Error) => {
        failure = error;
        return undefined;
      });
    },
    async close() {
      await underWay;
      await worker?.terminate();
      check();
    },
  };
}

/** Distinct buffers of tensors. */
export const listBuffers = (tensors: Tensors): ArrayBuffer[] => [
  ...new Set(Object.values(tensors).map(({ data }) => data.buffer as ArrayBuffer)),
];

/** Transfers a request and its memory to the thread; resolves to the memory once saved. */
function hand(worker: Worker, request: SaveRequest): Promise<Tensors> {
  return new Promise((resolve, reject) => {
    const died = (code: unknown): void =>
      reject(code instanceof Error ? code : new Error(`The thread that saves checkpoints ended (${code}).`));
    const answered = ({ tensors, error }: SaveReply): void => {
      worker.off('error', died).off('exit', died);
      if (error) reject(Object.assign(new Error(error.message), error));
      else resolve(tensors);
    };
    worker.once('message', answered).once('error', died).once('exit', died);
    worker.postMessage(request, listBuffers(request.tensors));
  });
}
