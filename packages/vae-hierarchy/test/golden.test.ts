import { expectClose, expectLive, fromGolden, type GoldenTensor, readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  decode,
  encode,
  encodeLevels,
  inferVaeConfig,
  loadVaeParams,
  parseVaeConfig,
  type VaeParams,
  vaeConfigJson,
} from '../src/index.ts';
import { expectSummary, formulaImage, formulaState, type Summary } from './formula.ts';

interface Golden {
  readonly config: Record<string, unknown>;
  /** Of the formula's weights, where it is not the usual one. */
  readonly gain?: number;
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly shapes: Record<string, readonly number[]>;
  readonly mean: GoldenTensor;
  /** Absent where the VAE has no variance. */
  readonly logVar?: GoldenTensor;
  readonly taps: Record<string, Summary>;
  readonly decoded: Summary;
  readonly loss: number;
  readonly gradients: Record<string, Summary>;
}

describe.each(['attention', 'plain', 'flux', 'tiny', 'tiny-global'])('parity with diffusers: %s', (name) => {
  const golden = readGolden<Golden>(import.meta.url, `${name}.json`);
  const config = parseVaeConfig(golden.config);
  const load = (): VaeParams => loadVaeParams(formulaState(golden.shapes, golden.gain), config);
  const images = (): tf.Tensor4D => formulaImage(golden.batch, ...golden.size);

  it('encodes to the same posterior and taps', () => {
    const [params, x] = [load(), images()];
    const taps = Object.keys(golden.taps);
    const { posterior, levels } = expectLive(() => encode(params, x, config, taps), taps.length + 2);
    expectClose(posterior.mean, golden.mean, { atol: 1e-4 });
    const { logVar } = golden;
    if (logVar) expectClose(posterior.logVar, logVar, { atol: 1e-4 });
    else expect(new Set(posterior.logVar.dataSync())).toEqual(new Set([Number.NEGATIVE_INFINITY]));
    expect(Object.keys(levels)).toEqual(taps);
    for (const tap of taps) expectSummary(levels[tap] as tf.Tensor, golden.taps[tap] as Summary);
  });

  it('computes single levels without the rest', () => {
    const [params, x] = [load(), images()];
    const taps = ['down.0.block.0', 'latent'];
    const { latent, ...levels } = expectLive(() => encodeLevels(params, x, config, taps), 2);
    expectSummary(levels['down.0.block.0'] as tf.Tensor, golden.taps['down.0.block.0'] as Summary);
    expectClose(latent as tf.Tensor, golden.mean, { atol: 1e-4 });
  });

  it('decodes to the same image', () => {
    const params = load();
    const mean = fromGolden<tf.Tensor4D>(golden.mean);
    expectSummary(
      expectLive(() => decode(params, mean, config), 1),
      golden.decoded,
    );
  });

  it('has a config that its shapes tell', () => {
    const { scalingFactor, shiftFactor } = config;
    const untold = { scalingFactor, shiftFactor };
    const groups = config.kind === 'tiny' ? {} : { normNumGroups: config.normNumGroups };
    expect(inferVaeConfig(formulaState(golden.shapes), { ...untold, ...groups })).toEqual(config);
    expect(parseVaeConfig(vaeConfigJson(config))).toEqual(config);
  });

  it('has the same gradients', () => {
    const [params, x] = [load(), images()];
    const keys = Object.keys(golden.gradients);
    const leaves = keys.map((key) => leafOf(params, key));
    const gradients = tf.grads((...values: tf.Tensor[]) => {
      const replaced = keys.reduce((tree, key, i) => withLeaf(tree, key, values[i] as tf.Tensor), params);
      return lossOf(replaced, x);
    })(leaves);
    keys.forEach((key, i) => {
      const gradient = gradients[i] as tf.Tensor;
      const torch = gradient.rank === 4 ? tf.transpose(gradient, [3, 2, 0, 1]) : gradient;
      expectSummary(torch, golden.gradients[key] as Summary, 1e-5);
    });
    expectClose(lossOf(params, x), { shape: [], data: [golden.loss] });
  });

  function lossOf(params: VaeParams, x: tf.Tensor4D): tf.Scalar {
    const { mean, logVar } = encode(params, x, config).posterior;
    const error = tf.mean(tf.squaredDifference(decode(params, mean, config), x));
    if (!golden.logVar) return error as tf.Scalar;
    const divergence = tf.mean(tf.sub(tf.sub(tf.add(tf.square(mean), tf.exp(logVar)), 1), logVar));
    return tf.add(error, tf.mul(divergence, 0.01));
  }
});

// biome-ignore lint/suspicious/noExplicitAny: walks a tree by its dotted path
type Tree = any;

function leafOf(params: VaeParams, key: string): tf.Tensor {
  return key.split('.').reduce((node: Tree, part) => node[part], params) as tf.Tensor;
}

function withLeaf(params: VaeParams, key: string, value: tf.Tensor): VaeParams {
  const [head, ...rest] = key.split('.') as [string, ...string[]];
  const node = params as Tree;
  const copy = Array.isArray(node) ? [...node] : { ...node };
  copy[head] = rest.length === 0 ? value : withLeaf(node[head], rest.join('.'), value);
  return copy;
}
