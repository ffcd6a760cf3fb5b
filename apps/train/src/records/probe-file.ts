/** What a probe leaves in a run's folder. */
import { join } from 'node:path';
import type { RecoverabilityMap } from '@ahpa/recoverability';

/** A map, and what it was measured on. */
export interface Probe extends RecoverabilityMap {
  readonly step: number;
  readonly images: number;
  readonly bins: number;
  readonly blocks: number;
}

/** File of a run's newest probe. */
export const probePath = (root: string): string => join(root, 'probe.json');
