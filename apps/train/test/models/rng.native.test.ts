import { compile, deviceState, useTensorFlow } from '@ahpa/libtensorflow';
import { philox } from '@ahpa/ops';
import { missing } from '@ahpa/test-fixtures';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

const CASES = [
  { seed: 0, stream: 'noise', step: 0, shape: [7] },
  { seed: 1, stream: 'noise', step: 1, shape: [2, 3, 4] },
  { seed: 2 ** 31 + 5, stream: 'posterior', step: 400_000, shape: [1000] },
];

/** The reference stream in TypeScript on the cpu backend, and TensorFlow's, eager and compiled. */
async function draws(
  kind: 'normal' | 'uniform',
  { seed, stream, step, shape }: (typeof CASES)[number],
): Promise<number[][]> {
  const rng = philox(seed);
  const draw = (counter: tf.Tensor): tf.Tensor => rng[kind](shape, stream, counter);
  const read = (x: tf.Tensor): number[] => Array.from(x.dataSync());
  await tf.setBackend('cpu');
  const reference = read(draw(tf.scalar(step, 'int32')));
  await tf.setBackend('tensorflow');
  const eager = read(draw(tf.scalar(step, 'int32')));
  const compiled = compile((_: Record<string, never>, counter: tf.Tensor) => ({ x: draw(counter) }));
  return [reference, eager, read(compiled(deviceState({}), tf.scalar(step, 'int32')).x)];
}

describe.skipIf(missing)('random streams', () => {
  beforeAll(async () => {
    await useTensorFlow();
  });

  it.each(CASES)(
    'uniform numbers of seed $seed, stream $stream, step $step are the same bits everywhere',
    async (given) => {
      const [reference, eager, compiled] = await draws('uniform', given);
      expect(eager).toEqual(reference);
      expect(compiled).toEqual(reference);
    },
  );

  it.each(CASES)(
    'normal numbers of seed $seed, stream $stream, step $step agree to rounding',
    async (given) => {
      const [reference, eager, compiled] = (await draws('normal', given)) as [number[], number[], number[]];
      expect(compiled).toEqual(eager);
      const worst = Math.max(...reference.map((value, i) => Math.abs(value - (eager[i] as number))));
      expect(worst).toBeLessThan(2e-6);
    },
  );
});
