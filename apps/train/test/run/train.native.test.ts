import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { createEngine } from '@ahpa/engine';
import { missing, writeTinyVae } from '@ahpa/test-fixtures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { stepOptions, trainingStep } from '../../src/models/wiring.ts';
import { runFolder } from '../../src/records/folder.ts';
import { prepare } from '../../src/run/prepare.ts';
import { startState } from '../../src/run/start.ts';
import { train } from '../../src/run/train.ts';
import { sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

describe.skipIf(missing !== undefined)('train on TensorFlow', () => {
  const runs = mkdtempSync(join(tmpdir(), 'ahpa-native-'));
  let vae = '';

  beforeAll(async () => {
    process.env['AHPA_CACHE'] = join(runs, 'cache');
    await createEngine({ backend: 'tensorflow' });
    vae = await writeTinyVae(runs);
  });

  const file = (name: string): Buffer =>
    readFileSync(join(runFolder(join(runs, name)).checkpoints, '0000006.safetensors'));
  const start = async (name: string, ...set: string[]): Promise<void> => {
    const config = tinyConfig(vae, ['train.backend=tensorflow', ...set]);
    await train(config, runFolder(join(runs, name)), listener(), uninterrupted);
  };

  it('continues bit-identically and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await start('whole');
    await start('parts', 'train.steps=3');
    await start('parts');
    expect(file('parts').equals(file('whole'))).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('learns in bfloat16 as in float32, roughly', async () => {
    await start('low', 'train.precision=bfloat16');
    const last = (name: string): number => {
      const rows = readFileSync(runFolder(join(runs, name)).stats, 'utf8')
        .trim()
        .split('\n');
      return JSON.parse(rows.at(-1) as string).denoising;
    };
    expect(last('low') / last('whole')).toBeCloseTo(1, 1);
    expect(last('low')).not.toBe(last('whole'));
  });

  it('goes on in bfloat16 from the same float32 state', async () => {
    await start('single', 'train.steps=3');
    const saved = await loadCheckpoint(
      join(runFolder(join(runs, 'single')).checkpoints, '0000003.safetensors'),
    );
    const chosen = tinyConfig(vae, ['train.backend=tensorflow', 'train.precision=bfloat16']);
    const how = { named: ['train.precision'] };
    const engine = await createEngine(chosen.train);
    const parts = await prepare(chosen, engine, listener());
    const { state } = await startState(chosen, runFolder(join(runs, 'single')), parts, how, listener());
    const options = stepOptions(chosen, parts.shape.classes);
    const { stepper, snapshot } = engine.training(trainingStep(parts.deps, options), state);
    const held = await snapshot();
    for (const [name, { dtype, data }] of Object.entries(saved.tensors)) {
      expect(held[name]?.dtype, name).toBe(dtype);
      expect(Buffer.compare(held[name]?.data as Uint8Array, data), name).toBe(0);
    }
    for (const part of [stepper, parts]) part.dispose();
    await train(chosen, runFolder(join(runs, 'single')), listener(), uninterrupted, how);
    const [mixed, whole] = await Promise.all(
      ['single', 'whole'].map((name) =>
        loadCheckpoint(join(runFolder(join(runs, name)).checkpoints, '0000006.safetensors')),
      ),
    );
    const key = 'params.denoiser.blocks.0.attn.qkv.weight';
    expect(mixed?.tensors[key]?.dtype).toBe('F32');
    expect(
      Buffer.compare(mixed?.tensors[key]?.data as Uint8Array, whole?.tensors[key]?.data as Uint8Array),
    ).not.toBe(0);
    expect(mixed?.meta['changes']).toEqual([
      { step: 3, key: 'train.precision', from: 'float32', to: 'bfloat16' },
    ]);
  });

  it('draws from a checkpoint', async () => {
    const out = join(runs, 'grid.png');
    const request = { model: 'whole', runs, class: 'all', n: 2, out, seed: 0 };
    expect(await sampleRun(request, listener())).toMatchObject({ step: 6, images: 18 });
  });
});
