import type { Path } from '@ahpa/ports';
import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { logSnr, type SampleConfig, sample, sampleTimes, shiftTime, type VelocityFn } from '../src/index.ts';

type FixedSteps = Extract<SampleConfig, { steps: number }>;
type Golden = Pick<FixedSteps, 'sampler' | 'path' | 'steps' | 'guidance'> & {
  interval: [number, number];
  out: GoldenTensor;
};

const column = (x: tf.Tensor): tf.Tensor4D => tf.reshape(x, [-1, 1, 1, 1]);
const velocity: VelocityFn = (x, t, y) =>
  tf.tidy(() => {
    const gain = tf.mul(tf.add(tf.mul(column(tf.cast(y, 'float32')), 0.1), 1), 0.5);
    return tf.sub(tf.mul(x, gain), tf.square(column(t)));
  });
const stepNoise = (step: number): tf.Tensor => testTensor([2, 2, 2, 1], 100 + step);
const noise = (): tf.Tensor4D => testTensor([2, 2, 2, 1], 5) as tf.Tensor4D;
const labels = (): tf.Tensor1D => tf.tensor1d([1, 4], 'int32');
const plain: FixedSteps = {
  sampler: 'euler',
  steps: 4,
  guidance: 1,
  guidanceInterval: [0, 1],
  path: 'linear',
  nullClass: 9,
};

test.each(readGolden<Golden[]>(import.meta.url, 'samplers.json'))(
  '$sampler on the $path path, $steps steps, guidance $guidance on $interval, equals the transcription',
  ({ sampler, path, steps, guidance, interval, out }) => {
    const config: SampleConfig = { ...plain, sampler, path, steps, guidance, guidanceInterval: interval };
    expectClose(sample(velocity, noise(), labels(), config, { stepNoise }), out);
  },
);

describe('on Gaussian data of deviation 0.5, whose velocity is known', () => {
  const deviation = 0.5;
  const exact =
    (path: Path): VelocityFn =>
    (x, t) =>
      tf.tidy(() => {
        const angle = tf.mul(t, Math.PI / 2);
        const [alpha, sigma] = path === 'linear' ? [tf.sub(1, t), t] : [tf.cos(angle), tf.sin(angle)];
        const [dAlpha, dSigma] =
          path === 'linear'
            ? [tf.scalar(-1), tf.scalar(1)]
            : [tf.mul(sigma, -Math.PI / 2), tf.mul(alpha, Math.PI / 2)];
        const power = tf.add(tf.mul(tf.square(alpha), deviation ** 2), tf.square(sigma));
        const slope = tf.add(tf.mul(tf.mul(dAlpha, alpha), deviation ** 2), tf.mul(dSigma, sigma));
        return tf.mul(x, column(tf.div(slope, power)));
      });

  test.each([
    ['euler', 'linear', 200, 2e-2],
    ['heun', 'linear', 40, 2e-3],
    ['heun', 'cosine', 40, 2e-3],
  ] as const)('%s on the %s path maps noise to 0.5 noise', (sampler, path, steps, tolerance) => {
    const config: SampleConfig = { ...plain, sampler, path, steps };
    const out = sample(exact(path), noise(), labels(), config, { stepNoise });
    expectClose(out, tf.mul(noise(), deviation), { atol: tolerance, rtol: 0 });
  });

  test.each(['linear', 'cosine'] as const)('sde on the %s path keeps the deviation', (path) => {
    const unit = (shape: readonly number[], seed: number): tf.Tensor =>
      tf.mul(testTensor(shape, seed), Math.sqrt(3));
    const unitNoise = (step: number): tf.Tensor => unit([1, 64, 64, 1], 7919 * step + 3);
    const start = unit([1, 64, 64, 1], 1) as tf.Tensor4D;
    const config: SampleConfig = { ...plain, sampler: 'sde', path, steps: 100 };
    const out = sample(exact(path), start, tf.tensor1d([0], 'int32'), config, { stepNoise: unitNoise });
    const { variance } = tf.moments(out);
    expect(Math.sqrt(variance.dataSync()[0] as number)).toBeCloseTo(deviation, 1);
  });
});

describe('sample', () => {
  test('visits the published times', () => {
    expect(sampleTimes('euler', 4)).toEqual([1, 0.75, 0.5, 0.25, 0]);
    const times = sampleTimes('sde', 250);
    expect(times.length).toBe(251);
    expect([times[0], times[249], times[250]]).toEqual([1, 0.04, 0]);
    expect(sampleTimes('sde', 1)).toEqual([1, 0]);
  });

  test('doubles the batch only inside the interval, ends included', () => {
    const batches: number[] = [];
    const watched: VelocityFn = (x, t, y) => {
      batches.push(x.shape[0]);
      return velocity(x, t, y);
    };
    sample(
      watched,
      noise(),
      labels(),
      { ...plain, guidance: 2, guidanceInterval: [0.5, 0.75] },
      { stepNoise },
    );
    expect(batches).toEqual([2, 4, 4, 2]);
  });

  test('keeps one tensor, leaves its arguments alone and reports progress', () => {
    const [start, y] = [noise(), labels()];
    const seen: string[] = [];
    const onStep = (done: number, total: number): void => {
      seen.push(`${done}/${total}`);
    };
    for (const sampler of ['euler', 'heun', 'sde'] as const) {
      expectLive(
        () => sample(velocity, start, y, { ...plain, sampler, steps: 3, guidance: 2 }, { stepNoise, onStep }),
        1,
      );
    }
    expect(start.isDisposed || y.isDisposed).toBe(false);
    expect(seen.slice(0, 3)).toEqual(['1/3', '2/3', '3/3']);
    expect(seen.length).toBe(9);
  });

  test.each<[Partial<FixedSteps> | Record<string, unknown>, RegExp]>([
    [{ steps: 0 }, /steps is 0, wanted a positive integer/],
    [{ steps: 2.5 }, /steps is 2.5/],
    [
      { guidanceInterval: [0.7, 0] },
      /guidanceInterval is \[0.7, 0\], wanted two times from 0 to 1, the lower first/,
    ],
    [{ guidanceInterval: [0, 1.5] }, /guidanceInterval is \[0, 1.5\]/],
    [{ guidance: -1 }, /guidance is -1/],
    [{ guidance: Number.NaN }, /guidance is NaN/],
    [{ guidanceChannels: 0 }, /guidanceChannels is 0/],
    [{ shift: 0 }, /shift is 0/],
    [{ sampler: 'plms' }, /sampler is plms, wanted one of euler, heun, sde, dopri5/],
    [{ sampler: 'dopri5', rtol: 0, atol: 1e-3 }, /rtol is 0/],
    [{ path: 'straight' }, /path is straight, wanted linear or cosine/],
    [{ nullClass: -1 }, /nullClass is -1/],
  ])('refuses %o', (wrong, message) => {
    const config = { ...plain, ...wrong } as SampleConfig;
    expect(() => sample(velocity, noise(), labels(), config, { stepNoise })).toThrow(message);
  });

  test('refuses labels and noise that do not fit', () => {
    const draw = (x: tf.Tensor, y: tf.Tensor) => () =>
      sample(velocity, x as tf.Tensor4D, y as tf.Tensor1D, plain);
    expect(draw(noise(), tf.tensor1d([1, 10], 'int32'))).toThrow(/class 10, wanted 0 to 9/);
    expect(draw(noise(), tf.tensor1d([-1, 0], 'int32'))).toThrow(/class -1/);
    expect(draw(noise(), tf.tensor1d([1, 2]))).toThrow(/y is float32 \[2\], wanted int32 \[2\]/);
    expect(draw(noise(), tf.tensor1d([1], 'int32'))).toThrow(/y is int32 \[1\], wanted int32 \[2\]/);
    expect(draw(tf.zeros([2, 2]), labels())).toThrow(/noise has shape \[2,2\], wanted \[B, h, w, C\]/);
    expect(() => sample(velocity, noise(), labels(), { ...plain, sampler: 'sde' })).toThrow(/stepNoise/);
  });

  test.each(['linear', 'cosine'] as const)(
    'a shift moves the log-SNR of the %s path by -2 ln(shift)',
    (path) => {
      const t = tf.tensor1d([0.1, 0.4, 0.7]);
      const moved = tf.tensor1d([...t.dataSync()].map((time) => shiftTime(path, time, 3)));
      expectClose(tf.sub(logSnr(path, t), logSnr(path, moved)), tf.fill([3], 2 * Math.log(3)), {
        atol: 1e-4,
      });
      expect([0, 1].map((time) => shiftTime(path, time, 3))).toEqual([0, 1]);
    },
  );
});
