import { expectClose, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  activeBackend,
  compile,
  type DeviceState,
  deviceState,
  profile,
  type TraceReport,
  useTensorFlow,
} from '../src/index.ts';
import { missing } from './native.ts';

type Weights = { readonly w: tf.Tensor; readonly steps: tf.Tensor };

/** One step of gradient descent on |x w|². */
function descend({ w, steps }: Weights, x: tf.Tensor): { state: Weights; loss: tf.Tensor } {
  const { value, grad } = tf.valueAndGrad((v: tf.Tensor) => tf.sum(tf.square(tf.matMul(x, v))) as tf.Scalar)(
    w,
  );
  const state = { w: tf.sub(w, tf.mul(grad, 0.01)), steps: tf.add(steps, tf.scalar(1, 'int32')) };
  return { state, loss: value };
}

/** A gated row and its means; the kernel `Fuse` compiles it where it is large. */
const soften = (x: tf.Tensor, gain: tf.Tensor): tf.Tensor[] => [
  tf.mul(tf.sigmoid(x), gain),
  tf.mean(x, -1, true),
];
const fuse = (fn: (...inputs: never[]) => tf.Tensor[], inputs: tf.Tensor[]): tf.Tensor[] =>
  tf.engine().runKernel('Fuse', { ...inputs } as never, { fn } as never) as tf.Tensor[];

const fresh = (): Weights => ({ w: tf.ones([3, 2]), steps: tf.scalar(0, 'int32') });
const handles = (): number => activeBackend().eager.getNumOfTensors();

describe.skipIf(missing)('compile', () => {
  beforeAll(async () => {
    await useTensorFlow();
  });

  it('takes the same steps as the plain function', () => {
    const step = compile(descend);
    const state = deviceState(fresh());
    const x = testTensor([4, 3]);
    let eager = fresh();
    for (let i = 0; i < 5; i++) {
      const { loss } = step(state, x);
      const plain = descend(eager, x);
      eager = plain.state;
      expectClose(loss, plain.loss, { atol: 0, rtol: 1e-5 });
    }
    const { w, steps } = state.read();
    expectClose(w, eager.w, { atol: 0, rtol: 1e-5 });
    expect(steps.dataSync()[0]).toBe(5);
    expect(steps.dtype).toBe('int32');
  });

  it('copies the present state into memory of the caller', () => {
    const state = deviceState({ ...fresh(), on: tf.tensor1d([true, false], 'bool') });
    const before = handles();
    const memory = state.list.map(({ leaf }) => {
      const count = leaf.shape.reduce((a, b) => a * b, 1);
      return new Uint8Array(count * (leaf.dtype === 'bool' ? 1 : 4)).fill(255);
    });
    state.copyTo(memory);
    const read = state.read();
    const expected = [read.w, read.steps, read.on].map((tensor) => {
      const { buffer, byteOffset, byteLength } = tensor.dataSync();
      return new Uint8Array(buffer, byteOffset, byteLength);
    });
    expect(memory).toEqual(expected);
    tf.dispose(Object.values(read));
    expect(() => state.copyTo([new Uint8Array(3), ...memory.slice(1)])).toThrow(
      /memory of 3 bytes was given for a tensor of 24/,
    );
    expect(handles()).toBe(before);
    state.dispose();
  });

  it('traces once for each set of shapes and reports it', () => {
    const reports: TraceReport[] = [];
    let runs = 0;
    const double = compile(
      (_: Record<string, never>, x: tf.Tensor) => {
        runs++;
        return { y: tf.mul(x, 2) };
      },
      { onTrace: (report) => reports.push(report), name: 'double' },
    );
    const none = deviceState({});
    for (const size of [2, 2, 3, 2])
      expect(Array.from(double(none, tf.ones([size])).y.dataSync())).toEqual(Array(size).fill(2));
    expect(runs).toBe(2);
    expect(reports.map(({ count }) => count)).toEqual([1, 2]);
    expect(reports[1]?.signature).toContain('float32[3]');
    expect(reports[0]?.name).toMatch(/^double_/);
  });

  it('names the op and the line of a host read', () => {
    const read = compile((_: Record<string, never>, x: tf.Tensor) => ({
      y: tf.scalar(tf.matMul(x, x).dataSync()[0] as number),
    }));
    expect(() => read(deviceState({}), tf.ones([2, 2]))).toThrow(
      /MatMul was read on the host.*compile\.native\.test\.ts:\d+/,
    );
    const print = compile((_: Record<string, never>, x: tf.Tensor) => {
      tf.square(x).print();
      return { x };
    });
    expect(() => print(deviceState({}), tf.ones([2]))).toThrow(/Square was read on the host/);
  });

  it('rejects an asynchronous host read', async () => {
    let pending: Promise<unknown> | undefined;
    const read = compile((_: Record<string, never>, x: tf.Tensor) => {
      pending = tf.square(x).data();
      return { x };
    });
    read(deviceState({}), tf.ones([2]));
    await expect(pending).rejects.toThrow(/read on the host/);
  });

  it('freezes small tensors from outside and refuses large ones with their size', () => {
    const small = tf.tensor1d([1, 2]);
    const add = compile((_: Record<string, never>, x: tf.Tensor) => ({ y: tf.add(x, small) }));
    expect(Array.from(add(deviceState({}), tf.zeros([2])).y.dataSync())).toEqual([1, 2]);
    expect(Array.from(tf.add(small, 1).dataSync())).toEqual([2, 3]);
    const large = tf.ones([200, 100]);
    const frozen = compile((_: Record<string, never>, x: tf.Tensor) => ({ y: tf.add(x, large) }));
    expect(() => frozen(deviceState({}), tf.zeros([100]))).toThrow(
      /\[200,100\] \(80000 bytes\).*pass it as an input or as state/,
    );
  });

  it('refuses a state that changes its form', () => {
    const state = deviceState({ w: tf.ones([2]) });
    const grow = compile(({ w }: { w: tf.Tensor }) => ({ state: { w: tf.concat([w, w]) } }));
    expect(() => grow(state)).toThrow(/"w" float32 \[4\] for the state leaf "w" float32 \[2\]/);
    const rename = compile(({ w }: { w: tf.Tensor }) => ({ state: { v: w } }));
    expect(() => rename(state)).toThrow(/state leaf "w"/);
    const more = compile(({ w }: { w: tf.Tensor }) => ({ state: { w, v: w } }));
    expect(() => more(state)).toThrow(/given 1 state leaves and returned 2/);
  });

  it('refuses leaves that are no tensors', () => {
    expect(() => deviceState({ w: 3 } as never)).toThrow(/holds 3 at "w"/);
    expect(() => deviceState({ w: tf.tensor1d(['a']) })).toThrow(/string.*float32, int32 or bool/);
  });

  it('survives an exception inside a trace', () => {
    const before = handles();
    const state = deviceState(fresh());
    const held = handles();
    const broken = compile((s: Weights, x: tf.Tensor) => {
      descend(s, x);
      throw new Error('my mistake');
    });
    const x = testTensor([4, 3]);
    for (let i = 0; i < 3; i++) expect(() => broken(state, x)).toThrow('my mistake');
    expect(tf.getKernel('AdamW', 'tensorflow')).toBeUndefined();
    expect(Array.from(tf.add(tf.ones([2]), 1).dataSync())).toEqual([2, 2]);
    compile(descend)(state, x).loss.dispose();
    expect(state.read().steps.dataSync()[0]).toBe(1);
    state.dispose();
    expect(held).toBeGreaterThan(before);
  });

  it('tells where a failing op comes from', () => {
    const wrong = compile((_: Record<string, never>, x: tf.Tensor) => ({
      y: activeBackend().executeSingleOutput('BatchMatMulV2', [], [x, tf.ones([7, 7])]),
    }));
    expect(() => wrong(deviceState({}), tf.ones([2, 3]))).toThrow(
      /Dimensions must be equal.*compile\.native\.test\.ts:\d+/s,
    );
    const late = compile((_: Record<string, never>, x: tf.Tensor, at: tf.Tensor) => ({
      y: tf.gather(x, at as tf.Tensor1D),
    }));
    expect(() => late(deviceState({}), tf.ones([2]), tf.tensor1d([9], 'int32'))).toThrow(
      /not in \[0, 2\).*compile\.native\.test\.ts:\d+/s,
    );
  });

  it('refuses a compiled function inside another', () => {
    const inner = compile((_: Record<string, never>, x: tf.Tensor) => ({ y: tf.square(x) }));
    const none = deviceState({});
    const outer = compile((_: Record<string, never>, x: tf.Tensor) => ({ y: inner(none, x).y }));
    expect(() => outer(none, tf.ones([2]))).toThrow(/inside another/);
  });

  it('keeps a tensor of a trace from being used outside it', () => {
    let leaked: tf.Tensor | undefined;
    const leak = compile((_: Record<string, never>, x: tf.Tensor) => {
      leaked = tf.keep(tf.square(x));
      return { y: x };
    });
    leak(deviceState({}), tf.ones([2]));
    expect(() => tf.add(leaked as tf.Tensor, 1)).toThrow(/inside a compiled function and kept outside/);
    leaked?.dispose();
  });

  it('runs two functions side by side over one state', () => {
    const state = deviceState(fresh());
    const step = compile(descend);
    const norm = compile(({ w }: { w: tf.Tensor }) => ({ norm: tf.norm(w) }));
    const weights: DeviceState<{ w: tf.Tensor }> = state.view(({ w }) => ({ w }));
    const norms = Array.from({ length: 3 }, () => {
      step(state, testTensor([4, 3]));
      return norm(weights).norm.dataSync()[0] as number;
    });
    expect(norms[2]).toBeLessThan(norms[0] as number);
    expect(norms[0]).toBeLessThan(Math.sqrt(6));
  });

  it('takes a state back', () => {
    const state = deviceState(fresh());
    const step = compile(descend);
    const x = testTensor([4, 3]);
    const saved = state.read();
    const first = step(state, x).loss.dataSync()[0];
    step(state, x);
    state.write(saved);
    expect(step(state, x).loss.dataSync()[0]).toBe(first);
    expect(() => state.write({ w: tf.ones([2, 2]), steps: tf.scalar(0, 'int32') })).toThrow(
      /holds float32 \[3,2\] at "w"/,
    );
  });

  it('keeps what was read when the state moves on', () => {
    const state = deviceState({ p: tf.ones([4]), m: tf.zeros([4]), v: tf.zeros([4]) });
    type Adam = { p: tf.Tensor; m: tf.Tensor; v: tf.Tensor };
    const step = compile(({ p, m, v }: Adam, grad: tf.Tensor) => {
      const inputs = {
        param: p,
        m,
        v,
        grad,
        beta1: tf.scalar(0.9),
        beta2: tf.scalar(0.5),
        alpha: tf.scalar(0.1),
        epsilon: tf.scalar(1e-8),
      };
      const [p2, m2, v2] = tf.engine().runKernel('AdamW', inputs) as unknown as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      return { state: { p: p2, m: m2, v: v2 }, before: p };
    });
    const held = state.read();
    const { before } = step(state, tf.ones([4]));
    expectClose(held.p, tf.ones([4]));
    expectClose(before, tf.ones([4]));
    const { p, m, v } = state.read();
    expectClose(m, tf.fill([4], 0.1));
    expectClose(v, tf.fill([4], 0.5));
    expectClose(p, tf.fill([4], 1 - (0.1 * 0.1) / (Math.sqrt(0.5) + 1e-8)));
  });

  it('refuses to update in place what is no state', () => {
    const step = compile(({ e }: { e: tf.Tensor }) => ({
      state: {
        e: tf
          .engine()
          .runKernel('Ema', { average: tf.mul(e, 2), value: e, rate: tf.scalar(0.1) }) as tf.Tensor,
      },
    }));
    expect(() => step(deviceState({ e: tf.ones([2]) }))).toThrow(
      /"average" must be a leaf of the compiled function's state/,
    );
  });

  it('compiles a fused part with XLA, equal parts once', () => {
    const large = testTensor([64, 1024], 5);
    const softened = (...inputs: tf.Tensor[]): tf.Tensor[] => fuse(soften, inputs);
    const fused = ({ x }: { x: tf.Tensor }, gain: tf.Tensor) => {
      const [y, mean] = softened(x, gain) as [tf.Tensor, tf.Tensor];
      return { y, mean, again: softened(y, gain)[0] as tf.Tensor };
    };
    const state = deviceState({ x: large });
    const gain = testTensor([1024], 6);
    const got = compile(fused)(state, gain);
    const [y, mean] = soften(large, gain) as [tf.Tensor, tf.Tensor];
    expectClose(got.y, y, { atol: 1e-6 });
    expectClose(got.mean, mean, { atol: 1e-6 });
    expectClose(got.again, soften(y, gain)[0] as tf.Tensor, { atol: 1e-6 });
    const islands = profile(fused, state, [gain] as [tf.Tensor]).filter(({ op }) => op.startsWith('island'));
    expect(islands.map(({ calls }) => calls)).toEqual([2]);
    const small = profile(fused, deviceState({ x: testTensor([4, 8], 5) }), [testTensor([8], 6)] as [
      tf.Tensor,
    ]);
    expect(small.some(({ op }) => op.startsWith('island'))).toBe(false);
  });

  it('keeps statistics of a fused part in float32 where the rest is bfloat16', () => {
    const state = deviceState({ x: testTensor([64, 64], 7), w: testTensor([64, 1024], 8) });
    const gain = testTensor([1024], 6);
    const fused = ({ x, w }: { x: tf.Tensor; w: tf.Tensor }) => {
      const [y, mean] = fuse(soften, [tf.matMul(x, w), gain]) as [tf.Tensor, tf.Tensor];
      return { y, mean };
    };
    const low = compile(fused, { precision: 'bfloat16' })(state);
    const values = low.y.dataSync() as Float32Array;
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    expect(bits.every((word) => (word & 0xffff) === 0)).toBe(true);
    const means = low.mean.dataSync() as Float32Array;
    const fine = new Uint32Array(means.buffer, means.byteOffset, means.length);
    expect(fine.some((word) => (word & 0xffff) !== 0)).toBe(true);
    expectClose(low.y, compile(fused)(state).y, { atol: 2e-2, rtol: 0 });
  });

  it.each([
    [[4, 6, 384], -1],
    [[4, 256, 40], 1],
    [
      [2, 96, 200],
      [0, 1],
    ],
    [
      [2, 70, 250],
      [1, 2],
    ],
    [[31, 37, 41], 2],
    [[16, 2100], 1],
  ] as const)('sums and averages a fused part of shape %j over axes %j', (shape, axis) => {
    const x = testTensor([...shape], 9);
    const reductions = (t: tf.Tensor): tf.Tensor[] => {
      const axes = [axis].flat() as number[];
      const squares = tf.square(t);
      return [
        tf.sum(t, axes),
        tf.mean(squares, axes, true),
        tf.sum(tf.mean(t, axes, true)),
        tf.sub(t, tf.mean(t, axes, true)),
      ];
    };
    const fused = compile((_: Record<string, never>, t: tf.Tensor) => ({ ...fuse(reductions, [t]) }), {
      smallestIsland: 1,
    });
    const got = fused(deviceState({}), x) as unknown as Record<number, tf.Tensor>;
    reductions(x).forEach((wanted, i) => {
      expect((got[i] as tf.Tensor).shape).toEqual(wanted.shape);
      expectClose(got[i] as tf.Tensor, wanted, { atol: 1e-4, rtol: 1e-5 });
    });
  });

  it('refuses a tensor in a fused part that is no input of it', () => {
    const leaky = compile((_: Record<string, never>, x: tf.Tensor) => {
      const other = tf.square(x);
      return { y: fuse((input) => [tf.add(input, other)], [x])[0] as tf.Tensor };
    });
    expect(() => leaky(deviceState({}), testTensor([64, 1024], 1))).toThrow(
      /outside a fused part.*as an input/,
    );
    expect(tf.getKernel('Fuse', 'tensorflow')).toBeUndefined();
  });

  it('computes matrix products in bfloat16 and the rest in float32', () => {
    const layer = ({ w }: { w: tf.Tensor }, x: tf.Tensor): { y: tf.Tensor; mean: tf.Tensor } => {
      const y = tf.sigmoid(tf.add(tf.matMul(x, w), 0.1));
      return { y, mean: tf.mean(y) };
    };
    const state = deviceState({ w: testTensor([16, 8], 2) });
    const x = testTensor([4, 16], 3);
    const exact = compile(layer)(state, x);
    const low = compile(layer, { precision: 'bfloat16' })(state, x);
    expectClose(low.y, exact.y, { atol: 2e-2, rtol: 0 });
    const error = tf.max(tf.abs(tf.sub(low.y, exact.y))).dataSync()[0] as number;
    expect(error).toBeGreaterThan(1e-5);
    expect(low.y.dtype).toBe('float32');
    expectClose(low.mean, tf.mean(low.y), { atol: 1e-6 });
  });

  it('holds tensors and handles constant over steps and after disposal', () => {
    const x = testTensor([4, 3]);
    tf.square(x).dispose();
    const state = deviceState(fresh());
    const step = compile(descend);
    step(state, x).loss.dispose();
    const live = { tensors: tf.memory().numTensors, handles: handles() };
    for (let i = 0; i < 200; i++) step(state, x).loss.dispose();
    expect({ tensors: tf.memory().numTensors, handles: handles() }).toEqual(live);
    const before = handles();
    for (let i = 0; i < 100; i++) {
      const other = compile(descend);
      const start = fresh();
      const own = deviceState(start);
      other(own, x).loss.dispose();
      tf.dispose(start);
      own.dispose();
      own.dispose();
      other.dispose();
    }
    expect(handles()).toBe(before);
  });

  it('compiles with XLA', () => {
    const state = deviceState(fresh());
    const x = testTensor([4, 3]);
    const { loss } = compile(descend, { xla: true })(state, x);
    expectClose(loss, descend(fresh(), x).loss, { rtol: 1e-5 });
    expect(state.read().steps.dataSync()[0]).toBe(1);
  });

  it('tells where the time goes', () => {
    const state = deviceState(fresh());
    const times = profile(descend, state, [testTensor([4, 3])] as [tf.Tensor]);
    expect(times.some(({ op, calls }) => op.includes('MatMul') && calls >= 2)).toBe(true);
    expect(state.read().steps.dataSync()[0]).toBe(0);
  });
});
