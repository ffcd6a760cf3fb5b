import { flatten, paths } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTensors, restoreTree } from '../src/index.ts';

beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const tree = () => ({
  step: tf.scalar(7, 'int32'),
  layers: [{ weight: tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]) }, { mask: tf.tensor1d([true, false]) }],
});

describe('named tensors', () => {
  test('hold a tree by dotted path and restore it', async () => {
    const given = tree();
    const tensors = await readTensors(given);
    expect(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['step', 'I32', []],
      ['layers.0.weight', 'F32', [3, 2]],
      ['layers.1.mask', 'BOOL', [2]],
    ]);
    const restored = restoreTree(given, tensors, 'test');
    expect(paths(restored)).toEqual(paths(given));
    const values = (of: typeof given) => flatten(of).map((leaf) => [...leaf.dataSync()]);
    expect(values(restored)).toEqual(values(given));
  });

  test('restore a part under a prefix', async () => {
    const given = tree();
    const [layer] = restoreTree(
      [given.layers[0]] as [{ weight: tf.Tensor2D }],
      await readTensors(given),
      'test',
      'layers.',
    );
    expect([...layer.weight.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('are refused where one is missing or of another shape', async () => {
    const tensors = await readTensors(tree());
    expect(() => restoreTree({ other: tf.scalar(0) }, tensors, 'a.safetensors')).toThrow(
      'a.safetensors has nothing at other, wanted F32 []: it belongs to another model or version.',
    );
    expect(() => restoreTree({ step: tf.zeros([2]) }, tensors, 'a.safetensors')).toThrow(
      'a.safetensors has I32 [] at step, wanted F32 [2]',
    );
  });
});
