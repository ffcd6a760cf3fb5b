import { join } from 'node:path';
import { applyDiT, type DiTConfig, type DiTParams, initDiT } from '@ahpa/dit-core';
import { mapTree, philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { convertModelFile } from '@ahpa/sit-models';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ahpaFormat } from '../../src/models/ahpa-format.ts';
import { withInitialWeights } from '../../src/models/initial-weights.ts';
import type { RunState } from '../../src/models/wiring.ts';
import { listener } from '../tiny.ts';

const folder = temporary();
const golden = (name: string): string =>
  join(import.meta.dirname, '../../../../packages/sit-weights/test/golden', name);

const network: DiTConfig = {
  ...{ latentSize: 4, latentChannels: 4, patchSize: 2, hiddenSize: 8, depth: 2, heads: 2, mlpRatio: 4 },
  ...{ classes: 3, encoderDepths: [1] },
};

function newState(config: DiTConfig): RunState {
  const denoiser = initDiT(config, philox(1));
  const copy = (): { denoiser: DiTParams; alignment: Tree } => ({
    denoiser: mapTree(tf.clone, denoiser),
    alignment: {},
  });
  const state = { step: tf.scalar(0, 'int32'), params: copy(), ema: [copy(), copy()] };
  return state as unknown as RunState;
}

function velocityOf(params: DiTParams, config: DiTConfig): Float32Array {
  const x = tf.randomNormal([2, 4, 4, 4], 0, 1, 'float32', 3) as tf.Tensor4D;
  const [t, y] = [tf.tensor1d([0.2, 0.9]), tf.tensor1d([1, 3], 'int32')];
  return applyDiT(params, x, t, y, config).velocity.dataSync() as Float32Array;
}

describe('a new run', () => {
  it("starts from SiT's own weights, turned into our time and sign, in all averages", async () => {
    const path = golden('sit.safetensors');
    const init = { path, from: 'sit', part: null } as const;
    const before = tf.memory().numTensors;
    const fresh = newState(network);
    const held = tf.memory().numTensors - before;
    const state = await withInitialWeights(fresh, init, network, listener());
    expect(tf.memory().numTensors - before).toBe(held);
    const velocities = [state.params, ...state.ema].map(({ denoiser }) => velocityOf(denoiser, network));
    expect(velocities[1]).toEqual(velocities[0]);
    expect(velocities[2]).toEqual(velocities[0]);

    const request = { input: path, output: join(folder, 'sit'), from: 'sit', heads: 2 } as const;
    await convertModelFile(request, ahpaFormat({ vae: 'vae', runs: folder }, listener()));
    const { denoiserParams, loadModel } = await import('../../src/models/load-model.ts');
    const model = await loadModel(join(folder, 'sit'), { runs: folder }, listener());
    const own = velocityOf(denoiserParams(model), model.network);
    own.forEach((value, i) => {
      expect(Math.abs(value - (velocities[0]?.[i] as number))).toBeLessThan(2e-5);
    });
  });

  it('says which of its weights start anew', async () => {
    const warnings: string[] = [];
    const reporter = { ...listener(), warn: (text: string) => void warnings.push(text) };
    const other = { ...network, classes: 5 };
    const init = { path: golden('diffusers'), from: 'file', part: null } as const;
    const { params } = await withInitialWeights(newState(other), init, other, reporter);
    expect(params.denoiser.y_embedder.embedding_table.weight.shape).toEqual([6, 8]);
    expect(Math.max(...velocityOf(params.denoiser, other).map(Math.abs))).toBe(0);
    expect(warnings[0]).toMatch(/start anew, .*t_embedder.mlp.0.weight.*y_embedder.*final_layer.linear.bias/);
  });

  it('refuses weights of another size, by key', async () => {
    const deeper = { ...network, depth: 3, latentChannels: 16 };
    const init = { path: golden('sit.safetensors'), from: 'sit', part: null } as const;
    await expect(withInitialWeights(newState(deeper), init, deeper, listener())).rejects.toThrow(
      /depth 2, wanted 3; latentChannels 4, wanted 16/,
    );
  });
});
