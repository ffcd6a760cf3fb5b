/** Weight and array files, read without trusting them: safetensors in one file or in shards, PyTorch's own, and NumPy's. */
export type { DType, TensorEntry } from './dtype.ts';
export { assertFinite, firstNonFinite } from './finite.ts';
export { fromFloat32, inFloat32, toFloat32 } from './float.ts';
export { type NpyArray, type NpyFile, type NpzFile, openNpy, openNpz, parseNpy } from './npy.ts';
export { encodeNpyHeader } from './npy-header.ts';
export { createNpz, type NpyForm, type NpzOptions, type NpzWriter, writeNpy, writeNpz } from './npz-write.ts';
export { parseNumpyPickle, readNumpyPickle } from './numpy-pickle.ts';
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
export { type ReadWeightsOptions, readWeights, WEIGHTS_IN_FOLDER } from './weights.ts';
