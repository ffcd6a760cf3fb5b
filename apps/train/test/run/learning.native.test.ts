import { createEngine, eagerStepper } from '@ahpa/engine';
import { type TensorflowStepper, tensorflowStepper } from '@ahpa/engine/tensorflow';
import { disposeTree, flatten, paths } from '@ahpa/ops';
import type { Metrics } from '@ahpa/ports';
import { missing } from '@ahpa/test-fixtures';
import { expectClose } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { KINDS, OPTIONS, type ToyRun, type ToyState, toyRun } from '../toy-run.ts';

const COMPARED = 2;
const STEPS = 60;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** What is read at every step; the rest at the first and the last. */
const EVERY_STEP = new Set(['denoisingLoss', 'alignment.distance', 'gradNorm']);

type Rows = Map<string, number[][]>;

function read(rows: Rows, metrics: Metrics, all: boolean): void {
  for (const [name, value] of Object.entries(metrics)) {
    if (all || EVERY_STEP.has(name)) rows.set(name, [...(rows.get(name) ?? []), [...value.dataSync()]]);
  }
}

type Compiled = TensorflowStepper<ToyState, ReturnType<ToyRun['batch']>>;

/** Takes the first steps both ways and compares all metrics and the whole state. */
function compare(compiled: Compiled, { step, init, batch }: ToyRun, rows: Rows): void {
  const eager = eagerStepper(step, init());
  for (let k = 0; k < COMPARED; k++) {
    const given = batch(k);
    const wanted = eager.step(given) as Metrics;
    const got = compiled.step(given) as Metrics;
    expect(Object.keys(got)).toEqual(Object.keys(wanted));
    for (const [name, value] of Object.entries(wanted)) {
      expectClose(got[name] as tf.Tensor, value, { atol: 1e-5, rtol: 1e-4 });
    }
    read(rows, got, k === 0);
    for (const tree of [given, wanted, got]) disposeTree(tree);
  }
  expect(paths(compiled.state())).toEqual(paths(eager.state()));
  const state = flatten(compiled.state());
  flatten(eager.state()).forEach((leaf, i) => {
    expectClose(state[i] as tf.Tensor, leaf, { atol: 1e-6, rtol: 1e-4 });
  });
  eager.dispose();
}

/** Takes the other steps compiled; resolves to the live tensors after each. */
function train(compiled: Compiled, { batch }: ToyRun, rows: Rows): number[] {
  const live: number[] = [];
  for (let k = COMPARED; k < STEPS; k++) {
    const given = batch(k);
    const metrics = compiled.step(given) as Metrics;
    read(rows, metrics, k === STEPS - 1);
    for (const tree of [given, metrics]) disposeTree(tree);
    live.push(tf.memory().numTensors);
  }
  return live;
}

describe.skipIf(missing !== undefined)('every variant', () => {
  beforeAll(() => createEngine({ backend: 'tensorflow' }));

  it.each([...KINDS, ...OPTIONS])('%s: compiled is eager, and it learns', (name, set) => {
    const run = toyRun(set);
    const compiled: Compiled = tensorflowStepper(run.step, run.init(), {});
    const rows: Rows = new Map();
    compare(compiled, run, rows);
    const live = train(compiled, run, rows);
    compiled.dispose();
    expect(new Set(live).size, 'live tensors').toBe(1);
    for (const [metric, values] of rows) {
      expect(values.flat().every(Number.isFinite), `${metric} is finite`).toBe(true);
    }
    const ends = (metric: string): [number, number] => {
      const values = (rows.get(metric) as number[][]).map(([x]) => x as number);
      return [mean(values.slice(0, 12)), mean(values.slice(-12))];
    };
    const [first, last] = ends('denoisingLoss');
    expect(last, 'denoising loss').toBeLessThan(first);
    if (name === 'none') return;
    const [far, near] = ends('alignment.distance');
    expect(near, 'distance').toBeLessThan(far);
    const [before, after] = rows.get('alignment.route') ?? [];
    if (before === undefined) return;
    const moved = Math.max(...(after as number[]).map((w, i) => Math.abs(w - (before[i] as number))));
    const stays = /fixed|one-hot|one group|sigmoid|table/.test(name);
    expect(moved > 1e-4, `router moved by ${moved}`).toBe(!stays);
  });
});
