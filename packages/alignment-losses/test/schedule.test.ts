import { readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  initScheduleMemory,
  measures,
  type ScheduleMemory,
  updateScheduleMemory,
  type WeightSchedule,
  weightShare,
} from '../src/index.ts';

const number = (x: tf.Tensor): number => x.dataSync()[0] as number;
const int = (step: number): tf.Scalar => tf.scalar(step, 'int32');
const shareAt = (schedule: WeightSchedule, step: number, memory?: ScheduleMemory): number =>
  number(weightShare(schedule, int(step), memory));

/** The shares of steps 0, 1, ... while `distance` and `cosine` are measured. */
function follow(
  schedule: WeightSchedule,
  steps: number,
  distance: (step: number) => number,
  cosine: (step: number) => number = () => 0,
): { shares: number[]; since: number } {
  let memory = initScheduleMemory();
  const shares = Array.from({ length: steps }, (_, step) => {
    const share = shareAt(schedule, step, memory);
    const measured = { distance: tf.scalar(distance(step)), cosine: tf.scalar(cosine(step)) };
    memory = updateScheduleMemory(schedule, memory, measured, int(step));
    return share;
  });
  return { shares, since: number(memory.since) };
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
  expect([{ kind: 'constant' } as const, cosine, haste, sra].some(measures)).toBe(false);
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

  test('ramps down once the loss has been low, also when it rises again', () => {
    const schedule = { kind: 'criterion', on: 'loss', warmup: 0, decay: 0, below: 0.5, ramp: 2 } as const;
    const { shares } = follow(schedule, 7, (step) => (step === 2 ? 0.4 : 0.9));
    expect(shares).toEqual([1, 1, 1, 1, 0.5, 0, 0].map(near));
  });
});
