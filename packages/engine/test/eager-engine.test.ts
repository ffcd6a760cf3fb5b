import { disposeTree, flatten } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { createEngine, eagerEngine, eagerStepper } from '../src/index.ts';
import { predict, toyBatch, toyState, toyStep } from './toy.ts';

describe('eagerStepper', () => {
  test('holds one state however many steps', async () => {
    const live = tf.memory().numTensors;
    const stepper = eagerStepper(toyStep, toyState());
    const held = flatten(stepper.state()).length;
    for (let k = 0; k < 3; k++) {
      const batch = toyBatch(k);
      const metrics = await stepper.step(batch);
      for (const tree of [batch, metrics]) disposeTree(tree);
      expect(tf.memory().numTensors - live).toBe(held);
    }
    expect(stepper.state().step.dataSync()[0]).toBe(3);
    stepper.dispose();
    expect(tf.memory().numTensors).toBe(live);
  });
});

describe('the eager engine', () => {
  test('trains, and shows the present values to models of the state', async () => {
    const engine = await createEngine({ backend: 'cpu' });
    expect(engine).toBe(eagerEngine);
    const live = tf.memory().numTensors;
    const { stepper, model } = engine.training(toyStep, toyState());
    const present = model(({ params }) => params).bind(predict);
    const one = tf.ones<tf.Rank.R2>([1, 1]);
    const seen: number[] = [];
    for (let k = 0; k < 20; k++) {
      const { y } = present(one);
      seen.push(y.dataSync()[0] as number);
      const batch = toyBatch(k);
      for (const tree of [{ y }, await stepper.step(batch), batch]) disposeTree(tree);
    }
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBeCloseTo(3, 1);
    one.dispose();
    stepper.dispose();
    expect(tf.memory().numTensors).toBe(live);
  });

  test('copies its state for a snapshot', async () => {
    const { stepper, snapshot } = eagerEngine.training(toyStep, toyState());
    const first = await snapshot();
    const batch = toyBatch(0);
    for (const tree of [await stepper.step(batch), batch]) disposeTree(tree);
    expect(Object.keys(first)).toEqual(['step', 'params.w']);
    expect(Array.from(first['step']?.data ?? [])).toEqual([0, 0, 0, 0]);
    expect(Array.from((await snapshot())['step']?.data ?? [])).toEqual([1, 0, 0, 0]);
    stepper.dispose();
  });

  test('takes over the parameters of a model', () => {
    const live = tf.memory().numTensors;
    const model = eagerEngine.model(toyState().params);
    model.dispose();
    expect(tf.memory().numTensors).toBe(live + 1); // the step, which was not given to the model
  });
});
