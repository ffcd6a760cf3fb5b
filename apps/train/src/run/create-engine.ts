/** Chooses how functions run: compiled with TensorFlow, or op by op on any backend. */

import { LANES } from '@ahpa/ops';
import { useBackend } from '../backend.ts';
import type { RunConfig } from '../config/types.ts';
import { eagerEngine } from './eager-engine.ts';
import type { Engine } from './engine.ts';
import { threadsPerOp } from './lanes.ts';

/**
 * Selects the backend and says how it is used: compiled where it can be and nobody asked for the opposite. Operations of compiled
 * functions run side by side on a part of the processors each; `wideOperations` gives each all of them, for work outside such functions.
 */
export async function createEngine(
  { backend, eager, precision }: Pick<RunConfig, 'backend' | 'eager' | 'precision'>,
  { wideOperations = eager }: { readonly wideOperations?: boolean } = {},
): Promise<Engine> {
  await useBackend(backend, wideOperations ? undefined : threadsPerOp());
  if (backend !== 'tensorflow' || eager) return eagerEngine;
  const { compiledEngine } = await import('./compiled-engine.ts');
  return compiledEngine(precision, wideOperations ? 1 : LANES);
}
