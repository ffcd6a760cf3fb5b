/** Chooses how functions run: compiled with TensorFlow, or op by op on any backend. */
import { useBackend } from '../backend.ts';
import type { RunConfig } from '../config/types.ts';
import { eagerEngine } from './eager-engine.ts';
import type { Engine } from './engine.ts';

/** Selects the backend and says how it is used: compiled where it can be and nobody asked for the opposite. */
export async function createEngine({
  backend,
  eager,
  precision,
}: Pick<RunConfig, 'backend' | 'eager' | 'precision'>): Promise<Engine> {
  await useBackend(backend);
  if (backend !== 'tensorflow' || eager) return eagerEngine;
  const { compiledEngine } = await import('./compiled-engine.ts');
  return compiledEngine(precision);
}
