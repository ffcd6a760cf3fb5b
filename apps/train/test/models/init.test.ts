import { join } from 'node:path';
import { applyDiT, type DiTConfig, type DiTParams, initDiT } from '@ahpa/dit-core';
import { mapTree, philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { convertModelFile } from '@ahpa/sit-models';
import { temporary } from '@ahpa/test-utils';
import { readWeights, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
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

  /** Halves of 16 bits by their index, and the numbers that they are by definition. */
  const HALVES = {
    BF16: (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number,
    F16: (bits: number): number =>
      (bits & 0x8000 ? -1 : 1) * 2 ** (((bits >> 10) & 31) - 15) * (1 + (bits & 1023) / 1024),
  };

  it.each(Object.entries(HALVES))(
    'takes weights in %s, as the float32 that they are',
    async (dtype, decode) => {
      const own = (await readWeights(golden('sit.safetensors'))) as Record<string, TensorEntry>;
      const bitsAt = (i: number): number =>
        ((i % 2) << 15) | (dtype === 'F16' ? 0x2800 : 0x3d00) | ((i * 37) % 256);
      const halves = Object.entries(own).map(([name, { shape }]) => {
        const count = shape.reduce((product, side) => product * side, 1);
        const data = new Uint8Array(Uint16Array.from({ length: count }, (_, i) => bitsAt(i)).buffer);
        return [name, { dtype: dtype as 'F16', shape, data }];
      });
      const path = join(folder, `${dtype}.safetensors`);
      const positions = own['pos_embed'] as TensorEntry;
      await writeSafetensors(path, { ...Object.fromEntries(halves), pos_embed: positions });
      const init = { path, from: 'sit', part: null } as const;
      const { params } = await withInitialWeights(newState(network), init, network, listener());
      const table = params.denoiser.y_embedder.embedding_table.weight;
      expect(table.dtype).toBe('float32');
      const values = table.dataSync();
      expect([...values]).toEqual(Array.from(values, (_, i) => decode(bitsAt(i))));
      const bias = params.denoiser.x_embedder.proj.bias.dataSync();
      expect([...bias]).toEqual(Array.from(bias, (_, i) => decode(bitsAt(i))));
    },
  );

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
