/** A lock file that names its holder, and is taken over when the holder is dead. */
export { type Holder, isAlive, type Lock, readHolder, takeLock } from './lock.ts';
export { LockHeldError } from './lock-held-error.ts';
