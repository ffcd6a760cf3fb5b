import { disposeTree, flatten } from '@ahpa/ops';
import { missing } from '@ahpa/test-fixtures';
import { expectClose } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEngine, readTensors } from '../src/index.ts';
import { tensorflowStepper } from '../src/tensorflow.ts';
import { predict, toyBatch, toyState, toyStep } from './toy.ts';

describe.skipIf(missing !== undefined)('the compiled step', () => {
  let before = 0;

  beforeAll(() => createEngine({ backend: 'tensorflow' }));
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors, 'tensors left alive').toBe(before);
  });

  it('gives a copy of the state that lasts until the next step', () => {
    const compiled = tensorflowStepper(toyStep, toyState(), {});
    const first = compiled.state();
    expect(compiled.state()).toBe(first);
    const given = toyBatch(0);
    disposeTree(compiled.step(given) as Record<string, tf.Tensor>);
    disposeTree(given);
    expect(flatten(first).every((leaf) => leaf.isDisposed)).toBe(true);
    expect(compiled.state().step.dataSync()[0]).toBe(1);
    compiled.dispose();
  });

  it('copies its state for a checkpoint, again into the same memory', async () => {
    const engine = await createEngine({ backend: 'tensorflow' });
    const { stepper, snapshot } = engine.training(toyStep, toyState());
    const first = await snapshot();
    expect(first).toEqual(await readTensors(stepper.state()));
    const given = toyBatch(0);
    for (const tree of [stepper.step(given) as Record<string, tf.Tensor>, given]) disposeTree(tree);
    const second = await snapshot(first);
    expect(second['step']?.data.buffer).toBe(first['step']?.data.buffer);
    expect(second).toEqual(await readTensors(stepper.state()));
    expect(Array.from(second['step']?.data ?? [])).toEqual([1, 0, 0, 0]);
    stepper.dispose();
  });

  it('shows the present values to models of its state', async () => {
    const engine = await createEngine({ backend: 'tensorflow' });
    const { stepper, model } = engine.training(toyStep, toyState());
    const counter = model((state) => ({ step: state.step })).bind((state) => ({
      twice: tf.mul(state.step, 2),
    }));
    for (const done of [0, 1, 2]) {
      const { twice } = counter();
      expect(twice.dataSync()[0]).toBe(2 * done);
      const given = toyBatch(done);
      for (const tree of [{ twice }, stepper.step(given) as Record<string, tf.Tensor>, given])
        disposeTree(tree);
    }
    stepper.dispose();
  });

  it('computes the step and mapped batches as the eager engine does', async () => {
    const given = toyBatch(0);
    const results: tf.Tensor[] = [];
    for (const eager of [true, false]) {
      const engine = await createEngine({ backend: 'tensorflow', eager });
      const { stepper, model } = engine.training(toyStep, toyState());
      disposeTree(await stepper.step(given));
      results.push(model(({ params }) => params).map(predict)(given.x).y);
      stepper.dispose();
    }
    const [wanted, got] = results as [tf.Tensor, tf.Tensor];
    expectClose(got, wanted, { atol: 1e-6 });
    for (const tree of [results, given]) disposeTree(tree);
  });
});
