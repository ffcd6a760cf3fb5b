/** Weight and array files, read without trusting them: safetensors in one file or in shards, PyTorch's own, and NumPy's. */
export type { DType, StoredTensor, TensorEntry } from './dtype.ts';
export { assertFinite, firstNonFinite } from './finite.ts';
export { fromFloat32, inFloat32, toFloat32 } from './float.ts';
export { readJson } from './json.ts';
export { type NpyArray, type NpyFile, type NpzFile, openNpy, openNpz, parseNpy } from './npy.ts';
export { encodeNpyHeader } from './npy-header.ts';
export { createNpz, type NpyForm, type NpzOptions, type NpzWriter, writeNpy, writeNpz } from './npz-write.ts';
export { parseNumpyPickle, readNumpyPickle } from './numpy-pickle.ts';
export {
  encodeSafetensors,
  openSafetensors,
  parseSafetensors,
  readSafetensors,
  type Safetensors,
  type SafetensorsFile,
  writeSafetensors,
} from './safetensors.ts';
export { readShardedSafetensors } from './sharded.ts';
export { isRecord, isTensor, onlyStateDict, torchPartNames, torchStateDict } from './state-dict.ts';
export { isTorch, openTorch, type TorchFile, type TorchValue } from './torch.ts';
export { parseTorch, readTorch } from './torch-read.ts';
export { Unread } from './unread.ts';
export { isIndex, type ReadWeightsOptions, readWeights, WEIGHTS_IN_FOLDER } from './weights.ts';
