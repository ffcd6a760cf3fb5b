import { disposeTree, flatten } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiledStepper } from '../src/run/compiled-stepper.ts';
import { createEngine } from '../src/run/create-engine.ts';
import { tensorsOf } from '../src/run/tree-file.ts';
import { missing } from './native.ts';
import { toyRun } from './toy-run.ts';

describe.skipIf(missing !== undefined)('the compiled step', () => {
  let before = 0;

  beforeAll(() => createEngine({ backend: 'tensorflow', eager: false, precision: 'float32' }));
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors, 'tensors left alive').toBe(before);
  });

  it('gives a copy of the state that lasts until the next step', () => {
    const { step, init, batch } = toyRun([]);
    const compiled = compiledStepper(step, init(), {});
    const first = compiled.state();
    expect(compiled.state()).toBe(first);
    const given = batch(0);
    disposeTree(compiled.step(given) as Record<string, tf.Tensor>);
    disposeTree(given);
    expect(flatten(first).every((leaf) => leaf.isDisposed)).toBe(true);
    expect(compiled.state().step.dataSync()[0]).toBe(1);
    compiled.dispose();
  });

  it('copies its state for a checkpoint, again into the same memory', async () => {
    const engine = await createEngine({ backend: 'tensorflow', eager: false, precision: 'float32' });
    const { step, init, batch } = toyRun([]);
    const { stepper, snapshot } = engine.training(step, init());
    const first = await snapshot();
    expect(first).toEqual(await tensorsOf(stepper.state()));
    const given = batch(0);
    for (const tree of [stepper.step(given) as Record<string, tf.Tensor>, given]) disposeTree(tree);
    const second = await snapshot(first);
    expect(second['step']?.data.buffer).toBe(first['step']?.data.buffer);
    expect(second).toEqual(await tensorsOf(stepper.state()));
    expect(Array.from(second['step']?.data ?? [])).toEqual([1, 0, 0, 0]);
    stepper.dispose();
  });

  it('shows the present values to models of its state', async () => {
    const engine = await createEngine({ backend: 'tensorflow', eager: false, precision: 'float32' });
    const { step, init, batch } = toyRun([]);
    const { stepper, model } = engine.training(step, init());
    const counter = model((state) => ({ step: state.step })).bind((state) => ({
      twice: tf.mul(state.step, 2),
    }));
    for (const done of [0, 1, 2]) {
      const { twice } = counter();
      expect(twice.dataSync()[0]).toBe(2 * done);
      const given = batch(done);
      for (const tree of [{ twice }, stepper.step(given) as Record<string, tf.Tensor>, given])
        disposeTree(tree);
    }
    stepper.dispose();
  });
});
