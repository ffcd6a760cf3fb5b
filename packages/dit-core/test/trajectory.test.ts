import type { Path } from '@ahpa/ports';
import { expectClose, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { tryStep } from '../src/dormand-prince.ts';
import type { Model } from '../src/guidance.ts';
import { type SampleConfig, sample, type VelocityFn } from '../src/index.ts';
import { mixtureVelocity, NULL_CLASS } from './mixture.ts';

type Case = {
  readonly config: Extract<SampleConfig, { steps: number }>;
  readonly weak: number | null;
  readonly kept: readonly number[];
  readonly states: readonly GoldenTensor[];
};

const start = (): tf.Tensor4D => tf.reshape(tf.mul(testTensor([2, 2], 5), 1.5), [2, 1, 1, 2]) as tf.Tensor4D;
const stepNoise = (step: number): tf.Tensor => testTensor([2, 1, 1, 2], 100 + step);

/** `velocity` that notes the states it is asked about, without the unconditional half. */
function watched(velocity: VelocityFn, seen: tf.Tensor[]): VelocityFn {
  return (x, t, y) => {
    seen.push(tf.keep(tf.slice(x, 0, 2)));
    return velocity(x, t, y);
  };
}

describe('step by step as NumPy in double precision', () => {
  test.each(readGolden<Case[]>(import.meta.url, 'trajectories.json'))(
    '$config.sampler, $config.path, $config.steps steps, guidance $config.guidance, shift $config.shift, weak $weak',
    ({ config, weak, kept, states }) => {
      const seen: tf.Tensor[] = [];
      const velocity = watched(mixtureVelocity(config.path), seen);
      const tools = { stepNoise, ...(weak === null ? {} : { weak: mixtureVelocity(config.path, weak) }) };
      const y = tf.tensor1d([0, 1], 'int32');
      const end = sample(velocity, start(), y, { ...config, nullClass: NULL_CLASS }, tools);
      const starts = config.sampler === 'heun' ? seen.filter((_, i) => i % 2 === 0) : seen;
      expect(starts.length).toBe(config.steps);
      kept.forEach((step, i) => {
        const state = step === config.steps ? end : (starts[step] as tf.Tensor);
        expectClose(tf.reshape(state, [2, 2]), states[i] as GoldenTensor, { atol: 5e-6, rtol: 1e-5 });
      });
      tf.dispose(seen);
    },
  );
});

type Adaptive = {
  readonly path: Path;
  readonly rtol: number;
  readonly atol: number;
  readonly samples: readonly {
    readonly times: readonly number[];
    readonly states: readonly (readonly number[])[];
    readonly evaluations: number;
  }[];
};

describe('dopri5', () => {
  test.each(readGolden<Adaptive[]>(import.meta.url, 'dopri5.json'))(
    'takes the steps of SciPy, $path path, rtol $rtol, atol $atol',
    ({ path, rtol, atol, samples }) => {
      const config: SampleConfig = {
        ...{ sampler: 'dopri5', rtol, atol, path },
        ...{ guidance: 1, guidanceInterval: [0, 1], nullClass: NULL_CLASS },
      };
      samples.forEach(({ times, states, evaluations }, i) => {
        const y = tf.tensor1d([[2, 1][i] as number], 'int32');
        const noise = tf.slice(start(), i, 1);
        const seen: number[] = [];
        const velocity: VelocityFn = (x, t, labels) => {
          seen.push(t.dataSync()[0] as number);
          return mixtureVelocity(path)(x, t, labels);
        };
        const counted: number[] = [];
        const onEvaluations = (each: readonly number[]): void => void counted.push(...each);
        const end = sample(velocity, noise, y, config, { onEvaluations });
        expect([counted, seen.length]).toEqual([[evaluations], evaluations]);
        // After the slope at the start and one for the first length, every sixth call ends a step.
        const ends = seen.filter((_, call) => call > 1 && (call - 1) % 6 === 0);
        for (const time of times) expect(ends.some((at) => Math.abs(at - time) < 1e-2)).toBe(true);
        expectClose(
          tf.reshape(end, [2]),
          { shape: [2], data: states.at(-1) as number[] },
          { atol: 2 * rtol },
        );

        // From each of SciPy's states its next one, in a step of its length.
        const model: Model = (x, t) => mixtureVelocity(path)(x, tf.tensor1d([...t]), y);
        times.forEach((time, step) => {
          const before = step === 0 ? 1 : (times[step - 1] as number);
          const x = step === 0 ? noise : tf.tensor4d(states[step - 1] as number[], [1, 1, 1, 2]);
          const trial = tryStep(model, x, model(x, [before]), [before], [before - time], { rtol, atol });
          expectClose(
            tf.reshape(trial.x, [2]),
            { shape: [2], data: states[step] as number[] },
            { atol: 2e-6 },
          );
          expect(trial.error[0]).toBeLessThan(1);
        });
      });
    },
  );

  test('gives every sample its own steps, so that none depends on the others', () => {
    const config: SampleConfig = {
      ...{ sampler: 'dopri5', rtol: 1e-4, atol: 1e-5, path: 'linear' },
      ...{ guidance: 2, guidanceInterval: [0.1, 0.8], nullClass: NULL_CLASS },
    };
    const counts: number[][] = [];
    const draw = (begin: number, size: number): tf.Tensor => {
      const noise = testTensor([6, 2, 2, 1], 9) as tf.Tensor4D;
      const y = tf.tensor1d([0, 1, 2, 0, 1, 2].slice(begin, begin + size), 'int32');
      const onEvaluations = (each: readonly number[]): void => void counts.push([...each]);
      return sample(mixtureVelocity(), tf.slice(noise, begin, size), y, config, { onEvaluations });
    };
    const whole = draw(0, 6);
    const parts = [draw(0, 1), draw(1, 3), draw(4, 2)];
    expectClose(tf.concat(parts), whole, { atol: 0, rtol: 0 });
    expect(counts.slice(1).flat()).toEqual(counts[0]);
    expect(new Set(counts[0]).size).toBeGreaterThan(1);
  });

  test('reports the time of the slowest sample, and gives up where values are not finite', () => {
    const config: SampleConfig = {
      ...{ sampler: 'dopri5', rtol: 1e-3, atol: 1e-3, path: 'linear' },
      ...{ guidance: 1, guidanceInterval: [0, 1], nullClass: NULL_CLASS },
    };
    const seen: number[] = [];
    const y = tf.tensor1d([2, 2], 'int32');
    sample(mixtureVelocity(), start(), y, config, { onStep: (done, total) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    expect(seen.every((value, i) => i === 0 || value >= (seen[i - 1] as number))).toBe(true);
    const broken: VelocityFn = (x) => tf.mul(x, Number.NaN);
    expect(() => sample(broken, start(), y, config)).toThrow(/dopri5 at t 1 has error NaN/);
  });
});
