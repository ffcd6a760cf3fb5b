import { readGolden, sha256 } from '@ahpa/test-utils';
import { describe, expect, test } from 'vitest';
import { sampleTimes } from '../src/index.ts';

type Golden = {
  readonly from: number;
  readonly ode: readonly string[];
  readonly sde: readonly string[];
  readonly guided: Readonly<Record<string, readonly number[]>>;
};
const golden = readGolden<Golden>(import.meta.url, 'grids.json');

const digest = (times: readonly number[]): string => sha256(Float64Array.from(times)).slice(0, 16);

describe('times of samplers', () => {
  test.each(['ode', 'sde'] as const)('equal torch.linspace to the bit, %s', (kind) => {
    const sampler = kind === 'ode' ? 'euler' : 'sde';
    const digests = golden[kind].map((_, i) => digest(sampleTimes(sampler, golden.from + i)));
    expect(digests).toEqual(golden[kind]);
  });

  test('edges of a guidance interval on the grid include the same steps as in torch', () => {
    for (const [steps, counts] of Object.entries(golden.guided)) {
      const n = Number(steps);
      const times = sampleTimes('heun', n).slice(0, -1);
      expect(counts.map((_, k) => times.filter((t) => t >= k / n).length)).toEqual(counts);
    }
  });

  test('one step goes from 1 to 0', () => {
    expect(sampleTimes('euler', 1)).toEqual([1, 0]);
    expect(sampleTimes('sde', 1)).toEqual([1, 0]);
  });
});
