/** Checkpoints that survive a kill: safetensors files with hashes, written atomically, newest valid first. */
export {
  type Checkpoint,
  loadCheckpoint,
  type SaveOptions,
  saveCheckpoint,
  type Tensors,
} from './checkpoint.ts';
export {
  type CheckpointFile,
  type LatestCheckpoint,
  listCheckpoints,
  loadLatest,
  type RotationConfig,
  rotate,
  type SkippedFile,
} from './folder.ts';
