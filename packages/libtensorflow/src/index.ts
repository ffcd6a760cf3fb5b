/** TensorFlow's C library under TensorFlow.js: the backend, device state, compiled functions and their profile. */
export { activeBackend, TensorFlowBackend, type UseOptions, useTensorFlow } from './backend.ts';
export { type Compiled, type CompileOptions, compile, type Outputs, type TraceReport } from './compile.ts';
export { type DeviceState, deviceState } from './device-state.ts';
export { type DoctorOptions, type DoctorReport, doctor } from './doctor.ts';
export { formatDoctor } from './doctor-format.ts';
export { type Float64Algebra, type Float64Matrix, float64Algebra } from './float64.ts';
export { type FrozenGraph, type FrozenGraphOptions, openFrozenGraph } from './frozen-graph.ts';
export { type FindOptions, findLibrary, type Library } from './library.ts';
export { type BenchOptions, matmulGflops } from './matmul-bench.ts';
export type { Precision } from './precision.ts';
export { profile } from './profile.ts';
export type { OpTime } from './session.ts';
export type { Tree } from './tree.ts';
