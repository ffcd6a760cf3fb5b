/** Checkpoints that survive a kill: safetensors files with hashes, written atomically, newest valid first. */

export { firstNonFinite } from '@ahpa/weight-files';
export {
  type Checkpoint,
  loadCheckpoint,
  type SaveOptions,
  saveCheckpoint,
  type Tensors,
} from './checkpoint.ts';
export { writeDurably } from './durable.ts';
export {
  type CheckpointFile,
  type FolderReport,
  findLatest,
  type LatestCheckpoint,
  listCheckpoints,
  loadLatest,
  type RotationConfig,
  rotate,
  type SkippedFile,
  verifyFolder,
} from './folder.ts';
export { createSaver, type SaveRequest, type Saver } from './saver.ts';
