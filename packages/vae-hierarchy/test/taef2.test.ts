import { expectClose, type GoldenTensor, readGolden } from '@ahpa/test-utils';
import type * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  decode,
  encode,
  encodeLevels,
  inferVaeConfig,
  joinHalves,
  loadVaeParams,
  parseVaeConfig,
  type StateTensor,
  vaeTaps,
} from '../src/index.ts';
import { expectSummary, formulaImage, type Summary } from './formula.ts';
import { exists, readState, SHARED_DATA, say } from './host.ts';

const golden = readGolden<{
  readonly config: Record<string, unknown>;
  readonly mean: GoldenTensor;
  readonly taps: Record<string, Summary>;
  readonly decoded: Summary;
}>(import.meta.url, 'taef2.json');

const available = await exists(`${SHARED_DATA}/taef2_encoder.pth`);
if (!available) await say('skipped: TAEF2, its weights are not in ../shared/data');

const halves = (): Promise<[Record<string, StateTensor>, Record<string, StateTensor>]> =>
  Promise.all([readState(`${SHARED_DATA}/taef2_encoder.pth`), readState(`${SHARED_DATA}/taef2_decoder.pth`)]);

describe.skipIf(!available)('TAEF2 with its published weights', () => {
  it('is recognised by its shapes', async () => {
    const config = inferVaeConfig(joinHalves(...(await halves())), { scalingFactor: 1, shiftFactor: 0 });
    expect(config).toEqual(parseVaeConfig(golden.config));
    expect(config).toMatchObject({ kind: 'tiny', latentChannels: 32, globalBranch: true });
    expect(vaeTaps(config, 64, 64).at(-1)).toMatchObject({ name: 'latent', scale: 8, channels: 32 });
  });

  it('encodes and decodes as PyTorch does', async () => {
    const config = parseVaeConfig(golden.config);
    const params = loadVaeParams(joinHalves(...(await halves())), config);
    const images = formulaImage(1, 16, 24);
    const taps = Object.keys(golden.taps);
    const levels = encodeLevels(params, images, config, taps);
    for (const tap of taps) expectSummary(levels[tap] as tf.Tensor, golden.taps[tap] as Summary, 1e-3);
    const { mean } = encode(params, images, config).posterior;
    expectClose(mean, golden.mean, { atol: 1e-3, rtol: 0 });
    expectSummary(decode(params, mean, config), golden.decoded, 1e-3);
  });
});
