/** Schemas of options without the code that they configure, quick to load. */
export { cacheData } from './data/cache.ts';
export { imagesData } from './data/images.ts';
export { type DataKind, dataUnion, defineData } from './data/kind.ts';
export { repaData } from './data/repa.ts';
export { type HierarchyOptions, hierarchyOptions } from './hierarchy-options.ts';
export { type VaeChoice, type VaeFileChoice, vaeChoice } from './vae/vae-choice.ts';
