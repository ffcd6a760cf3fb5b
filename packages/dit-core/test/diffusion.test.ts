import { expectClose, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { diffusionSchedule } from '../src/diffusion.ts';
import { type SampleConfig, sample, type VelocityFn } from '../src/index.ts';

interface Golden {
  /** Chosen steps, ascending, by their number. */
  readonly steps: Readonly<Record<string, readonly number[]>>;
  readonly samples: readonly {
    readonly sampler: 'ddpm' | 'ddim';
    readonly steps: number;
    readonly guidance: number;
    readonly out: GoldenTensor;
  }[];
}

const golden = readGolden<Golden>(import.meta.url, 'diffusion.json');
const plain = {
  guidance: 1,
  guidanceInterval: [0, 1],
  guidanceChannels: 3,
  path: 'linear',
  nullClass: 9,
} as const;
const noise = (): tf.Tensor4D => testTensor([2, 2, 2, 4], 5) as tf.Tensor4D;
const labels = (): tf.Tensor1D => tf.tensor1d([1, 4], 'int32');
const stepNoise = (step: number): tf.Tensor => testTensor([2, 2, 2, 4], 100 + step);

/** Noise and range from x, step and label. */
const network: VelocityFn = (x, t, y) =>
  tf.tidy(() => {
    const wave = tf.mul(tf.cos(tf.div(tf.mul(t, 999), 300)), 0.3);
    const gain = tf.reshape(tf.add(tf.add(tf.mul(tf.cast(y, 'float32'), 0.1), 0.5), wave), [-1, 1, 1, 1]);
    return tf.concat([tf.mul(x, gain), tf.sin(tf.add(tf.mul(x, 3), gain))], 3) as tf.Tensor4D;
  });

describe("DiT's diffusion", () => {
  test.each(Object.entries(golden.steps))('chooses its %s steps', (count, steps) => {
    const chosen = diffusionSchedule(Number(count)).map(({ t }) => Math.round(t * 999));
    expect(chosen.reverse()).toEqual(steps);
  });

  test.each(golden.samples)('$sampler in $steps steps with guidance $guidance equals DiT', (one) => {
    const { sampler, steps, guidance, out } = one;
    const choice: SampleConfig = { ...plain, sampler, steps, guidance };
    const [x, y] = [noise(), labels()];
    const drawn = tf.tidy(() => sample(network, x, y, choice, { stepNoise }));
    expectClose(drawn, out, { rtol: 2e-5, atol: 2e-5 });
  });

  test('says what does not fit', () => {
    const draw = (choice: Partial<SampleConfig>, model = network) =>
      sample(model, noise(), labels(), { ...plain, sampler: 'ddpm', steps: 4, ...choice } as SampleConfig, {
        stepNoise,
      });
    expect(() => draw({}, (x) => tf.clone(x))).toThrow(/no variance.*'ddim'/);
    expect(() => draw({ steps: 1001 })).toThrow(/steps is 1001, wanted at most 1000/);
    expect(draw({ sampler: 'ddim' }, (x) => tf.clone(x)).shape).toEqual([2, 2, 2, 4]);
  });
});
