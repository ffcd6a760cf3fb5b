/** Types of a resolved configuration, inferred from its schema. */
export type { TrainConfig } from './schema.ts';
export type {
  CacheData,
  DataConfig,
  EmojiData,
  HierarchyConfig,
  ImagesData,
  RepaData,
  VaeChoice,
  VaeFileChoice,
} from './schema-data.ts';

export type { InitChoice, ModelConfig } from './schema-model.ts';
export type { EmaChoice } from './schema-optim.ts';
export type { RunConfig } from './schema-run.ts';
