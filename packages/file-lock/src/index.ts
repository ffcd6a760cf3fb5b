/** A lock file that names its holder and outlives none. */
export { type Holder, isAlive, type Lock, readHolder, takeLock } from './lock.ts';
export { LockHeldError } from './lock-held-error.ts';
