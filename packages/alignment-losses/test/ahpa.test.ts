import { philox } from '@ahpa/ops';
import type { AlignmentSpec, RouterFactory } from '@ahpa/ports';
import type * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ahpaTerms } from '../src/alignments/ahpa-terms.ts';
import { ahpa } from '../src/index.ts';
import { evenRouter } from './helpers.ts';

describe('groups on a finer grid than the hidden tokens', () => {
  const spec = (tokens: number): AlignmentSpec => ({
    hiddenSize: 6,
    tokens: 4,
    patchSize: 2,
    latentWidth: 16,
    encoderDepth: 1,
    path: 'linear',
    seed: 0,
    groups: [{ name: 'fine', tokens, width: 3 }],
  });
  const options = ahpa.options.parse({ head: { kind: 'linear' } });

  it('get a head that puts out all their tokens', () => {
    expect(ahpaTerms(options, spec(16))).toEqual([{ name: 'fine', group: 0, tap: 0, out: 12, factor: 2 }]);
    const { projectors } = ahpa.create(options, spec(16), evenRouter).init(philox(1)) as {
      projectors: { weight: tf.Tensor }[];
    };
    expect(projectors.map(({ weight }) => weight.shape)).toEqual([[12, 6]]);
  });

  it('are refused where they fit no grid, as is a depth of no group', () => {
    const create = (given: typeof options, tokens: number) => () =>
      ahpa.create(given, spec(tokens), evenRouter);
    expect(create(options, 9)).toThrow('has 9 tokens an image, wanted 4');
    expect(create({ ...options, depths: { coarse: [1] } }, 4)).toThrow(
      'there is no group "coarse", wanted some of fine',
    );
  });
});

it('is not created without a router', () => {
  const missing = undefined as RouterFactory | undefined;
  const spec = { hiddenSize: 4, encoderDepth: 1, groups: [] } as unknown as AlignmentSpec;
  expect(() => ahpa.create(ahpa.options.parse({}), spec, missing)).toThrow('got no router');
});
