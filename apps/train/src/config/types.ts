/** Types of a resolved configuration, inferred from its schema. */
export type { VaeChoice, VaeFileChoice } from '@ahpa/image-features/options';
export type { TrainConfig } from './schema.ts';
export type { EvaluateChoice } from './schema-evaluate.ts';
export type { InitChoice, ModelConfig } from './schema-model.ts';
export type { EmaChoice, OptimConfig } from './schema-optim.ts';
export type { RunConfig } from './schema-run.ts';
export type { SampleChoice } from './schema-sample.ts';
