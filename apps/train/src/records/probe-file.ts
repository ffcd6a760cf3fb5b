/** Result of a probe as a file in a run's folder. */
import { join } from 'node:path';
import type { RecoverabilityMap } from '@ahpa/recoverability';

/** A recoverability map with the step and extent of its measurement. */
export interface Probe extends RecoverabilityMap {
  readonly step: number;
  /** Name of the weights, as for `--ema`; absent from older files, which are of the first average. */
  readonly weights?: string;
  readonly images: number;
  readonly bins: number;
  readonly blocks: number;
}

/** File of a run's newest probe. */
export const probePath = (root: string): string => join(root, 'probe.json');
