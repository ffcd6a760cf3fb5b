/** TensorFlow.js backends: native TensorFlow, WebAssembly or plain JavaScript. */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';

/** Names of the backends. */
export const BACKENDS = ['tensorflow', 'wasm', 'cpu'] as const;

/** The name of a backend. */
export type BackendName = (typeof BACKENDS)[number];

/**
 * Registers and selects a backend together with its gradients; `threadsPerOp` applies to `tensorflow`, all processors where absent.
 * @throws Error where the backend is not available
 */
export async function useBackend(name: BackendName, threadsPerOp?: number): Promise<void> {
  if (name === 'tensorflow') {
    const { useTensorFlow } = await import('@ahpa/libtensorflow');
    await useTensorFlow(threadsPerOp === undefined ? {} : { threadsPerOp });
    return;
  }
  tf.enableProdMode(); // silences a greeting on the console
  await import('@tensorflow/tfjs');
  if (name === 'wasm') await registerWasm();
  await tf.setBackend(name);
}

async function registerWasm(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(join(dirname(main), sep));
}
