/** Types of a resolved configuration, inferred from its schema. */
export type { VaeChoice, VaeFileChoice } from '@ahpa/image-features/options';
export type { TrainConfig } from './schema.ts';
export type { InitChoice, ModelConfig } from './schema-model.ts';
export type { EmaChoice } from './schema-optim.ts';
export type { RunConfig } from './schema-run.ts';
