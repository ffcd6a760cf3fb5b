/** Speed and memory of this repository's work, measured in turn with PyTorch. */
export type { SideReport } from './compare.ts';
export { type EncoderName, type EncodeSpec, encodeFlops } from './encode-spec.ts';
export { type EvaluateSpec, featureFlops, neighbourFlops } from './evaluate-spec.ts';
export type { BenchResult } from './measure.ts';
export type { TorchMode } from './peer.ts';
export {
  type BenchContext,
  type BenchKind,
  type BenchOptions,
  type BenchResults,
  type CommonOptions,
  type EncodeOptions,
  type EvaluateOptions,
  runBench,
  type StepOptions,
} from './run-bench.ts';
export { inferFlops, type StepModel, type StepSpec, stepFlops, stepSpec } from './step-spec.ts';
