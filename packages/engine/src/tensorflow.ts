/** The engine on TensorFlow's library. Imported on its own, since it loads the native binding. */
export { tensorflowEngine } from './tensorflow-engine.ts';
export { type TensorflowStepper, tensorflowStepper } from './tensorflow-stepper.ts';
