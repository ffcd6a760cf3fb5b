import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { readGolden, temporary } from '@ahpa/test-utils';
import { stdToExponent } from '@ahpa/trainer';
import { toFloat32 } from '@ahpa/weight-files';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/models/load-model.ts';
import { reconstruct } from '../../src/models/reconstruct.ts';
import { runFolder } from '../../src/records/folder.ts';
import { mixture } from '../../src/records/post-hoc.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

interface Case {
  readonly sigma: number;
  readonly step: number;
  readonly gamma: number;
  readonly steps: readonly number[];
  readonly gammas: readonly number[];
  readonly coefficients: readonly number[];
  readonly stored: readonly number[];
  readonly reconstructed: number;
  readonly true: number;
}

describe.each(readGolden<Case[]>(import.meta.url, 'post-hoc.json'))(
  'sigma $sigma at step $step',
  (golden) => {
    const profiles = golden.steps.map((updates, i) => ({ updates, gamma: golden.gammas[i] as number }));
    const weights = mixture(profiles, { gamma: golden.gamma, updates: golden.step });

    it('has the coefficients of NumPy', () => {
      expect(stdToExponent(golden.sigma) / golden.gamma).toBeCloseTo(1, 12);
      const largest = Math.max(...golden.coefficients.map(Math.abs));
      weights.forEach((weight, i) => {
        expect(Math.abs(weight - (golden.coefficients[i] as number))).toBeLessThan(1e-8 * largest);
      });
    });

    it('comes near the average that was tracked', () => {
      const value = weights.reduce((sum, weight, i) => sum + weight * (golden.stored[i] as number), 0);
      expect(value).toBeCloseTo(golden.reconstructed, 7);
      // Eight snapshots of two widths; the paper keeps about a hundred.
      expect(Math.abs(value - golden.true)).toBeLessThan(0.03);
    });
  },
);

describe('ahpa ema', () => {
  const home = temporary();
  const request = { runs: home, run: 'run', sigma: 0.1, out: join(home, 'model') };

  it('keeps snapshots of the power-function averages alone', async () => {
    process.env['AHPA_CACHE'] = join(home, 'cache');
    const vae = await writeTinyVae(home);
    const set = ['ema={"sigmaRel":[0.05,0.1],"snapshotEvery":2}', 'optim.learningRate=0.01'];
    await train(tinyConfig(vae, set), runFolder(join(home, 'run')), listener(), uninterrupted);
    const plain = tinyConfig(vae, ['train.steps=1']);
    await train(plain, runFolder(join(home, 'plain')), listener(), uninterrupted);
    const folder = join(home, 'run', 'averages');
    expect(readdirSync(folder)).toEqual([2, 4, 6].map((step) => `000000${step}.safetensors`));
    const { tensors } = await loadCheckpoint(join(folder, '0000004.safetensors'));
    const places = new Set(Object.keys(tensors).map((name) => name.replace(/denoiser\..*/, 'denoiser')));
    expect([...places].sort()).toEqual(['ema.1.denoiser', 'ema.2.denoiser', 'skipped', 'step']);
    expect(existsSync(join(home, 'plain', 'averages'))).toBe(false);
  });

  it.each([
    [undefined, 6],
    [4, 4],
  ])('gives back an average that was kept, at step %s', async (step, end) => {
    const made = await reconstruct({ ...request, ...(step === undefined ? {} : { step }) }, listener());
    expect(made).toEqual({ out: request.out, step: end, sigma: 0.1, stored: end });
    const { tensors } = await loadCheckpoint(join(home, 'run', 'averages', `000000${end}.safetensors`));
    const { weights } = await loadModel(request.out, { runs: home }, listener());
    expect(Object.keys(weights).length).toBeGreaterThan(10);
    for (const [name, entry] of Object.entries(weights)) {
      const wanted = toFloat32(tensors[`ema.2.denoiser.${name}`] as typeof entry);
      toFloat32(entry).forEach((value, i) => {
        expect(Math.abs(value - (wanted[i] as number)), name).toBeLessThan(2e-6);
      });
    }
  });

  it('makes a model folder of an average that was not kept', async () => {
    await reconstruct({ ...request, sigma: 0.2 }, listener());
    const model = await loadModel(request.out, { runs: home }, listener());
    expect(model).toMatchObject({ average: 'sigma=0.2', step: 6 });
    const { tensors } = await loadCheckpoint(join(home, 'run', 'averages', '0000006.safetensors'));
    const name = 'x_embedder.proj.weight';
    const kept = toFloat32(tensors[`ema.2.denoiser.${name}`] as (typeof tensors)[string]);
    expect(toFloat32(model.weights[name] as (typeof tensors)[string])).not.toEqual(kept);
  });

  it('says what is missing', async () => {
    await expect(reconstruct({ ...request, run: 'plain' }, listener())).rejects.toThrow(
      /keeps no power-function average: ema.sigmaRel is empty/,
    );
    await expect(reconstruct({ ...request, run: 'nowhere' }, listener())).rejects.toThrow(
      'no run with checkpoints',
    );
    await expect(reconstruct({ ...request, step: 1 }, listener())).rejects.toThrow(
      'no snapshot up to step 1',
    );
    await expect(reconstruct({ ...request, sigma: 0.5 }, listener())).rejects.toThrow('wanted one above 0');
  });
});
