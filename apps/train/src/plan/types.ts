/** Results of a plan. */
import type { TrainConfig } from '../config/types.ts';
import type { DiskCost, Sizes } from './cost.ts';
import type { Interlude } from './interludes.ts';
import type { Machine } from './machine.ts';
import type { Trial } from './trial-worker.ts';

/** Resources of a configuration. */
export interface Plan {
  readonly config: TrainConfig;
  /** Taps of each group of targets. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly tokens: number;
  readonly parameters: Sizes['parameters'];
  readonly flopsPerStep: number;
  /** Bytes by part, for the images that are computed together. */
  readonly memory: Readonly<Record<string, number>>;
  readonly memoryBytes: number;
  readonly disk: DiskCost;
  /** Sample grids, metrics and held-out losses between the steps. */
  readonly interludes: readonly Interlude[];
  readonly machine: Machine;
  readonly trial?: Trial & { readonly predictedBytes: number };
  /** From the trial or the assumed speed; absent without either. */
  readonly secondsPerStep?: number;
  /** Of the steps and of all between them. */
  readonly hours?: number;
  readonly kilowattHours?: number;
  /** Why it cannot be carried out on its machine; absent where it can. */
  readonly problem?: string;
}
