/** A lock that a live process holds. */
export class LockHeldError extends Error {
  override readonly name = 'UserError';
}
