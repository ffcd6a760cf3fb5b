/** Safetensors weight files, read without trusting them. */
export type { DType, TensorEntry } from './dtype.ts';
export { fromFloat32, toFloat32 } from './float.ts';
export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  type Safetensors,
  writeSafetensors,
} from './safetensors.ts';
