/** What every form of a PyTorch file gives. */
import type { Storage, Value } from './pickle-value.ts';

/** A file's pickle, and the bytes of its storages. */
export interface TorchContent {
  readonly root: Value;
  /** Bytes of the file, unpacked. */
  readonly bytes: number;
  /** `length` bytes from byte `begin` of a storage on. */
  read(storage: Storage, begin: number, length: number): Promise<Uint8Array>;
}
