import type { Observations, Tree } from '@ahpa/ports';
import { expectLive, readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { constantWeight, type ScheduleOptions, weightSchedule } from '../src/index.ts';

const number = (x: tf.Tensor): number => x.dataSync()[0] as number;
const int = (step: number): tf.Scalar => tf.scalar(step, 'int32');
const observed = (distance: number, cosine?: number): Observations<Tree> => ({
  observed: {},
  distance: tf.scalar(distance),
  cosineByTime: {},
  // of two items
  ...(cosine !== undefined && { cosine: { sum: tf.scalar(2 * cosine), count: tf.scalar(2) } }),
});
const shareAt = (schedule: ScheduleOptions, step: number): number => {
  const { weight, initState } = weightSchedule({ weight: 1, schedule });
  return number(weight(int(step), initState()));
};

/** The shares of steps 0, 1, ... while `distance` and `cosine` are measured. */
function follow(
  schedule: ScheduleOptions,
  steps: number,
  distance: (step: number) => number,
  cosine: (step: number) => number | undefined = () => 0,
): { shares: number[]; since: number } {
  const { weight, initState, update } = weightSchedule({ weight: 1, schedule });
  let state = initState();
  const shares = Array.from({ length: steps }, (_, step) => {
    const share = number(weight(int(step), state));
    state = update(state, observed(distance(step), cosine(step)), int(step));
    return share;
  });
  return { shares, since: number((state as { readonly since: tf.Tensor }).since) };
}

test('schedules of the step alone', () => {
  expect(shareAt({ kind: 'constant' }, 1e6)).toBe(1);
  const cosine = { kind: 'cosine', start: 10, steps: 20 } as const;
  expect([0, 10, 20, 30, 99].map((step) => shareAt(cosine, step))).toEqual([1, 1, 0.5, 0, 0].map(near));
  const haste = { kind: 'step', at: 100 } as const;
  expect([0, 99, 100, 101].map((step) => shareAt(haste, step))).toEqual([1, 1, 0, 0]);
  // SRA: 0.1^(1 + (epoch - 149) / 1000) over 0.1, here with one step an epoch
  const sra = { kind: 'exponential', start: 149, steps: 1000 } as const;
  expect([0, 149, 649, 1149].map((step) => shareAt(sra, step))).toEqual([1, 1, 0.1 ** 0.5, 0.1].map(near));
  const states = [{ kind: 'constant' } as const, cosine, haste, sra].map((schedule) =>
    weightSchedule({ weight: 1, schedule }).initState(),
  );
  expect(states).toEqual([{}, {}, {}, {}]);
});

test('a weight is its share of the full one, and owns one tensor', () => {
  const schedule = { kind: 'cosine', start: 10, steps: 20 } as const;
  for (const { weight, initState } of [weightSchedule({ weight: 3, schedule }), constantWeight(1.5)]) {
    const [step, state] = [int(20), initState()];
    expect(number(expectLive(() => weight(step, state), 1))).toBeCloseTo(1.5, 5);
  }
});

const near = (value: number): unknown => expect.closeTo(value, 5);

const release = {
  kind: 'release',
  warmup: 5,
  fast: 0.5,
  slow: 0.8,
  threshold: 0.02,
  ramp: 10,
  latest: 1000,
} as const;

describe('release', () => {
  test('follows the transcription step by step', () => {
    const golden = readGolden<{ since: number; shares: number[] }>(import.meta.url, 'release.json');
    const { shares, since } = follow(release, 60, (step) => 0.4 + 0.6 * Math.exp(-step / 8));
    expect(since).toBe(golden.since);
    expect(shares).toEqual(golden.shares.map(near));
  });

  test('begins at the latest step whatever is measured, and not during the warm-up', () => {
    const falling = (step: number): number => 0.9 ** step;
    expect(follow({ ...release, latest: 20 }, 40, falling).since).toBe(20);
    expect(follow({ ...release, warmup: 30 }, 40, () => 1).since).toBe(30);
  });

  test('is finite where the distance is zero', () => {
    expect(follow(release, 20, () => 0).shares.every(Number.isFinite)).toBe(true);
  });
});

describe('criterion', () => {
  test('stops at once where the average of the gradient cosines turns negative', () => {
    const schedule = {
      kind: 'criterion',
      on: 'gradient-cosine',
      warmup: 3,
      decay: 0,
      below: 0,
      ramp: 0,
    } as const;
    const { shares } = follow(
      schedule,
      14,
      () => 1,
      (step) => (step < 8 ? 0.5 : -0.1),
    );
    expect(shares).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('does not stop where no gradients were seen', () => {
    const schedule = {
      kind: 'criterion',
      on: 'gradient-cosine',
      warmup: 0,
      decay: 0,
      below: 0.9,
      ramp: 0,
    } as const;
    const { since } = follow(
      schedule,
      5,
      () => 1,
      () => undefined,
    );
    expect(since).toBe(-1);
  });

  test('ramps down once the loss has been low, also when it rises again', () => {
    const schedule = { kind: 'criterion', on: 'loss', warmup: 0, decay: 0, below: 0.5, ramp: 2 } as const;
    const { shares } = follow(schedule, 7, (step) => (step === 2 ? 0.4 : 0.9));
    expect(shares).toEqual([1, 1, 1, 1, 0.5, 0, 0].map(near));
  });
});
