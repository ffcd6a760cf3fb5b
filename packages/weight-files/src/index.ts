/** Weight files, read without trusting them: safetensors in one file or in shards, and PyTorch's own. */
export type { DType, TensorEntry } from './dtype.ts';
export { fromFloat32, toFloat32 } from './float.ts';
export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  type Safetensors,
  writeSafetensors,
} from './safetensors.ts';
export { readShardedSafetensors } from './sharded.ts';
export { openTorch, type StoredTensor, type TorchFile, type TorchValue } from './torch.ts';
export { parseTorch, readTorch, torchStateDict } from './torch-read.ts';
export { type ReadWeightsOptions, readWeights } from './weights.ts';
