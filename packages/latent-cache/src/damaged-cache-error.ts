/** A file of a cache that is not what the cache's plan or index records. */
export class DamagedCacheError extends Error {
  override readonly name = 'DamagedCacheError';
}
