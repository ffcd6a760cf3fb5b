import { createEngine, eagerStepper } from '@ahpa/engine';
import { tensorflowStepper } from '@ahpa/engine/tensorflow';
import type { CompileOptions } from '@ahpa/libtensorflow';
import { disposeTree, flatten, paths } from '@ahpa/ops';
import { missing } from '@ahpa/test-fixtures';
import { expectClose, testValues } from '@ahpa/test-utils';
import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { KINDS, toyRun } from '../toy-run.ts';

/** A random small configuration; odd seeds checkpoint whole blocks. */
function randomSizes(name: string, seed: number): string[] {
  const pick = (i: number, ...choices: number[]): number =>
    choices[Math.floor((((testValues(i + 1, seed + 1)[i] as number) + 1) / 2) * choices.length)] as number;
  const heads = pick(0, 1, 2, 4);
  const depth = pick(1, 1, 2, 3);
  return [
    `model.size.hiddenSize=${heads * pick(2, 4, 8, 12)}`,
    `model.size.heads=${heads}`,
    `model.size.depth=${depth}`,
    `model.encoderDepth=${pick(3, 1, depth)}`,
    `train.checkpointBlocks=${seed % 2 === 1}`,
    ...(name === 'sra' ? [`alignment.teacherDepth=${depth}`] : []),
    ...(name === 'haste' ? [`alignment.attention.blocks=[${depth - 1}]`] : []),
  ];
}

/** The other kinds are made of the same parts. */
const NAMES = ['none', 'ahpa', 'sra', 'sra2', 'haste'];

const CASES = KINDS.filter(([name]) => NAMES.includes(name)).flatMap(([name, set]) =>
  [0, 1, 2].map((seed) => [name, seed, [...set, ...randomSizes(name, seed)]] as const),
);

describe.skipIf(missing)('compiled = eager over random small configurations', () => {
  beforeAll(() => createEngine({ backend: 'tensorflow' }));

  const check = (set: readonly string[], options: CompileOptions): void => {
    const { step, init, batch } = toyRun(set);
    const eager = eagerStepper(step, init());
    const compiled = tensorflowStepper(step, init(), options);
    for (let k = 0; k < 20; k++) {
      const given = batch(k);
      const wanted = eager.step(given) as Record<string, tf.Tensor>;
      const got = compiled.step(given) as Record<string, tf.Tensor>;
      if (k === 0) {
        for (const [name, value] of Object.entries(wanted)) {
          expectClose(got[name] as tf.Tensor, value, { atol: 1e-7, rtol: 1e-5 });
        }
        const names = paths(eager.state());
        flatten(compiled.state()).forEach((leaf, i) => {
          // The fused kernel's 1 - beta2 is off by 1.3e-5 (docs/decisions/0004).
          const rtol = names[i]?.startsWith('moments.v') ? 2e-5 : 1e-5;
          expectClose(leaf, flatten(eager.state())[i] as tf.Tensor, { atol: 1e-7, rtol });
        });
      }
      expectClose(got['loss'] as tf.Tensor, wanted['loss'] as tf.Tensor, { atol: 0, rtol: 1e-3 });
      for (const tree of [given, wanted, got]) disposeTree(tree);
    }
    expect(compiled.state().step.dataSync()[0]).toBe(20);
    eager.dispose();
    compiled.dispose();
  };

  it.each(CASES)('%s, sizes %i', (_name, _seed, set) => check(set, {}));

  it('ahpa with every fused part compiled by XLA', () =>
    check(randomSizes('ahpa', 1), { smallestIsland: 1 }));
});
