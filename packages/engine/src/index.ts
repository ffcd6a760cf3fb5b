/** Models and training steps, op by op or compiled; trees as named tensors. */
export { BACKENDS, type BackendName, useBackend } from './backend.ts';
export { createEngine, type EngineOptions } from './create-engine.ts';
export { eagerEngine } from './eager-engine.ts';
export { eagerStepper } from './eager-stepper.ts';
export type { Engine, Model, Training } from './engine.ts';
export { type NamedTensors, readTensors, restoreTree } from './named-tensors.ts';
export { threadsPerOp } from './threads.ts';
