import { expectClose } from '@ahpa/test-utils';
import { disposeTree, eagerStepper, flatten, paths } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiledStepper } from '../src/run/compiled-stepper.ts';
import { createEngine } from '../src/run/create-engine.ts';
import { missing } from './native.ts';
import { toyRun, VARIANTS } from './toy-run.ts';

describe.skipIf(missing !== undefined)('the compiled step', () => {
  let before = 0;

  beforeAll(() => createEngine({ backend: 'tensorflow', eager: false, precision: 'float32' }));
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors, 'tensors left alive').toBe(before);
  });

  it.each(VARIANTS)('equals the eager step: %s', (_name, set) => {
    const { step, init, batch } = toyRun(set);
    const eager = eagerStepper(step, init());
    const compiled = compiledStepper(step, init(), {});
    for (const k of [0, 1, 2]) {
      const given = batch(k);
      const wanted = eager.step(given) as Record<string, tf.Tensor>;
      const got = compiled.step(given) as Record<string, tf.Tensor>;
      expect(Object.keys(got)).toEqual(Object.keys(wanted));
      for (const [name, value] of Object.entries(wanted)) {
        expectClose(got[name] as tf.Tensor, value, { atol: 1e-6, rtol: 1e-5 });
      }
      for (const tree of [given, wanted, got]) disposeTree(tree);
    }
    const [state, copy] = [flatten(eager.state()), flatten(compiled.state())];
    expect(paths(compiled.state())).toEqual(paths(eager.state()));
    for (const [i, leaf] of state.entries())
      expectClose(copy[i] as tf.Tensor, leaf, { atol: 1e-6, rtol: 1e-5 });
    eager.dispose();
    compiled.dispose();
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
