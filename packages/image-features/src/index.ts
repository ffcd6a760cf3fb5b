/** Features of images from a frozen VAE: latents and groups of tokens, normalised, encoded on request or cached. */
export { type CacheDataOptions, openCacheData } from './data/open-cache.ts';
export { type ImagesDataOptions, openImagesData } from './data/open-images.ts';
export { openRepaData, type RepaDataOptions } from './data/open-repa.ts';
export {
  countLabels,
  type DataSource,
  describeData,
  type FeatureContext,
  once,
  type Splits,
  splitDataset,
} from './data/source.ts';
export { cacheDataset, type Dataset, encodedDataset, selectRows } from './dataset.ts';
export { type CachedDataset, type CachedRequest, cachedFeatures } from './extract/cached-features.ts';
export { type Extracted, type ExtractOptions, extract } from './extract/extract.ts';
export { type TeacherNetwork, writeTeacher } from './extract/write-teacher.ts';
export { type Encoded, type FeatureEncoder, featureEncoder } from './feature-encoder.ts';
export {
  type FeatureRequest,
  featureRequest,
  groupShapes,
  type TapGroup,
  type VaeFeatures,
} from './feature-request.ts';
export { imageBatch } from './image-batch.ts';
export {
  type ImageDataset,
  type ImageDatasetOptions,
  type ImagesInMemory,
  memoryDataset,
  openImageDataset,
  readImages,
} from './image-dataset.ts';
export { fitNorms } from './norms/fit-norms.ts';
export type { FittedArray, FittedNorm, FittedNorms } from './norms/fitted-norms.ts';
export { type BatchShape, type Records, recordBatch } from './record-batch.ts';
export { openTeacher, type Teacher, withTeacher } from './teacher.ts';
export { readVae, type VaeFiles, vaeFolder, vaeParams, vaeStride } from './vae/read-vae.ts';
