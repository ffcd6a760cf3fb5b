import { philox } from '@ahpa/ops';
import type { AlignmentSpec } from '@ahpa/ports';
import { expectClose, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { haste } from '../src/index.ts';

describe('haste', () => {
  it('follows the attention that a teacher shows, layer by layer', () => {
    const options = haste.options.parse({ attention: { blocks: [0, 1] } });
    const groups = ['tokens', 'attention.0', 'attention.1'].map((name, i) => ({
      name,
      tokens: 4,
      width: i === 0 ? 5 : 8,
    }));
    const spec: AlignmentSpec = {
      hiddenSize: 6,
      tokens: 4,
      patchSize: 1,
      latentWidth: 4,
      encoderDepth: 1,
      path: 'linear',
      seed: 0,
      groups,
    };
    const alignment = haste.create(options, spec);
    const logits = [1, 2].map((seed) => testTensor([2, 2, 4, 4], seed) as tf.Tensor4D);
    const rows = logits.map((map) => tf.reshape(tf.transpose(map, [0, 2, 1, 3]), [2, 4, 8]));
    const given = { targets: [testTensor([2, 4, 5], 3), ...rows], state: {} };
    const targets = alignment.targets(given as never);
    const hidden = testTensor([2, 4, 6], 4) as tf.Tensor3D;
    const seen = { hidden: [hidden], attention: logits, branch: () => hidden };
    const { metrics } = alignment.loss(alignment.init(philox(1)), seen, { ...given, targets } as never);
    // a student equal to the teacher has its entropy
    const entropies = logits.map((map) => tf.neg(tf.sum(tf.mul(tf.softmax(map), tf.logSoftmax(map)), -1)));
    expectClose(metrics['attention'] as tf.Tensor, tf.mean(tf.stack(entropies)));
    const one = { ...spec, groups: groups.slice(0, 2) };
    expect(() => haste.create(options, one)).toThrow('attention of 1 layers, got 2 blocks');
  });
});
