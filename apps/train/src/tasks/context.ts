/** The run that the tasks between its steps work on. */
import type { Saver } from '@ahpa/checkpoint';
import type { DiTParams } from '@ahpa/dit-core';
import type { Engine, Model, Training } from '@ahpa/engine';
import type { Lock } from '@ahpa/file-lock';
import type { Dataset } from '@ahpa/image-features';
import type { Reporter, Stretch } from '@ahpa/messages';
import type { Tree } from '@ahpa/ports';
import type { ImageSampler } from '../models/image-sampler.ts';
import type { RunDeps, RunState } from '../models/wiring.ts';
import type { RunMeta } from '../records/checkpoints.ts';
import type { RunFolder } from '../records/folder.ts';
import type { Recorder } from '../records/recorder.ts';

/** A run under way; each kind of task is a function from it to the tasks that its configuration asks for. */
export interface TaskContext {
  readonly folder: RunFolder;
  readonly lock: Lock;
  /** Configuration, shape of the data, names of the classes and images of each. */
  readonly meta: RunMeta;
  /** Steps of earlier sessions, which are on disk already. */
  readonly from: number;
  readonly train: Dataset;
  /** Held-out examples; made on first use. */
  heldOut(): Promise<Dataset>;
  readonly engine: Engine;
  readonly deps: RunDeps;
  /** Its `state()` is the one after the newest step. */
  readonly stepper: { state(): RunState };
  /** The state as tensors to save, read into the memory of earlier ones. */
  readonly snapshot: Training<Tree, Tree>['snapshot'];
  /** The first average of the denoiser, as it is now. */
  readonly ema: Model<DiTParams>;
  readonly sampler: ImageSampler;
  /** Indices of the classes of sample grids. */
  readonly grid: readonly number[];
  /** Aborted when the run is to end: long tasks then reject with its reason. */
  readonly signal: AbortSignal;
  /** Announces long work after a step, whose state is saved first where a signal would end the process meanwhile. */
  stretchAt(step: number): Stretch;
  readonly saver: Saver;
  readonly recorder: Recorder;
  readonly reporter: Reporter;
}
