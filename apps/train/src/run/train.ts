/**
 * A training run, from the configuration to the last sample grid. The same call again continues where it stopped.
 * prepare data and model -> state, new or from the newest checkpoint -> steps, with a sample grid every so many -> summary.
 */
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { DiTParams } from '@ahpa/dit-core';
import {
  type Batch,
  batchIndices,
  disposeTree,
  initState,
  philox,
  type Row,
  run,
  type Stepper,
  type TrainState,
  type Tree,
  trainStep,
} from '@ahpa/trainer';
import type { TrainConfig } from '../config/types.ts';
import { appendStats, readStats, rewindStats } from '../data/stats.ts';
import { batchOf } from '../features/batch.ts';
import type { Progress, Reporter } from '../report.ts';
import { type TrainingPayload, trainingFormat } from '../visual/progress-line.ts';
import { stepConfig } from '../wiring.ts';
import { newestCheckpoint, runMeta, saveState } from './checkpoints.ts';
import { createEngine } from './engine.ts';
import { claimFolder, type RunFolder, samplePath } from './folder.ts';
import { type Prepared, prepare } from './prepare.ts';
import { sampleArtist, writeSampleGrid } from './sample-grid.ts';
import { statsRow } from './stats-row.ts';
import { writeRunPlot } from '../visual/plot.ts';
import { treeOf } from './tree-file.ts';

/** The state of a run. */
export type RunState = TrainState<DiTParams & Tree, Tree>;

/** How a run ended and where its files are. */
export interface TrainSummary {
  readonly run: string;
  readonly step: number;
  readonly complete: boolean;
  readonly checkpoint: string | undefined;
  readonly samples: string | undefined;
  readonly plot: string | undefined;
  readonly stats: string;
}
