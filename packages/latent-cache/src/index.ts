/** Records of features on disk: written so that a kill costs seconds, verified by hashes, read through mapped memory. */
export { DamagedCacheError } from './damaged-cache-error.ts';
export { readAttachment, readIndex, readPlan } from './files.ts';
export {
  type CacheIndex,
  type CachePlan,
  type Dropped,
  type Field,
  plannedBytes,
  recordBytes,
  type Shard,
} from './layout.ts';
export { type CacheReader, findField, openCache, type Values } from './reader.ts';
export { differences } from './recipe.ts';
export { droppedImages, rewindCache } from './rewind.ts';
export { totalBytes, verifyCache } from './verify.ts';
export { type CacheWriter, type Chunk, cachePlan, openWriter } from './writer.ts';
