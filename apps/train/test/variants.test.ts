import { disposeTree, eagerStepper, flatten, initState, philox, trainStep } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/load.ts';
import { batchOf } from '../src/features/batch.ts';
import { targetSource } from '../src/variants/targets.ts';
import { TINY_VAE, tinyConfig } from './tiny.ts';
import { toyRun, VARIANTS } from './toy-run.ts';

describe.each(VARIANTS)('%s', (_name, set) => {
  it('keeps the number of live tensors constant over steps', () => {
    const { deps, config, batches } = toyRun(set);
    const stepper = eagerStepper(
      (state: ReturnType<typeof initState<never, never, never>>, batch: never) =>
        trainStep(deps as never, state as never, batch, config) as never,
      initState(deps, philox(1)) as never,
    );
    const counts = [0, 1, 2, 3].map((step) => {
      const batch = batchOf(batches, Uint32Array.of(step, step + 1));
      tf.dispose(Object.values(stepper.step(batch as never)));
      disposeTree(batch);
      return tf.memory().numTensors;
    });
    expect(new Set(counts).size).toBe(1);
    stepper.dispose();
  });
});
