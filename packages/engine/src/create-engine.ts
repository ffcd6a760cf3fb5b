/** Choice of the engine: compiled with TensorFlow, or op by op on any backend. */
import type { Precision } from '@ahpa/libtensorflow';
import { LANES } from '@ahpa/ops';
import { type BackendName, useBackend } from './backend.ts';
import { eagerEngine } from './eager-engine.ts';
import type { Engine } from './engine.ts';
import { threadsPerOp } from './threads.ts';

/** Options of `createEngine`. */
export interface EngineOptions {
  readonly backend: BackendName;
  /** Run op by op where the backend could compile; default false. The backends `wasm` and `cpu` always run op by op. */
  readonly eager?: boolean;
  /** Precision of compiled training steps, default `float32`; models compute in float32. */
  readonly precision?: Precision;
  /**
   * Give each operation all processors, for work outside compiled functions; else operations of compiled functions run side by side
   * on a part of the processors each. Default: the value of `eager`. The first engine of a process decides.
   */
  readonly wideOperations?: boolean;
}

/**
 * Selects the backend and returns its engine.
 * @throws Error where the backend is not available
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { backend, eager = false, precision = 'float32', wideOperations = eager } = options;
  await useBackend(backend, wideOperations ? undefined : threadsPerOp());
  if (backend !== 'tensorflow' || eager) return eagerEngine;
  const { tensorflowEngine } = await import('./tensorflow-engine.ts');
  return tensorflowEngine(precision, wideOperations ? 1 : LANES);
}
