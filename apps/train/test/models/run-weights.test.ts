/** Every command that reads a run takes the same names of weights and steps; the right values are cut from the file's own bytes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { philox } from '@ahpa/ops';
import { convertModelFile, inspectModelFile } from '@ahpa/sit-models';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { initState } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { averages } from '../../src/config/averages.ts';
import { openSamples } from '../../src/evaluation/samples.ts';
import { probeRun } from '../../src/experiments/probe.ts';
import { exportToHub } from '../../src/export/export.ts';
import { ahpaFormat, type WeightsOptions } from '../../src/models/ahpa-format.ts';
import { withInitialWeights } from '../../src/models/initial-weights.ts';
import { type LoadOptions, loadModel, weightsPath } from '../../src/models/load-model.ts';
import { runFolder } from '../../src/records/folder.ts';
import { prepare } from '../../src/run/prepare.ts';
import { train } from '../../src/run/train.ts';
import { generate } from '../../src/sampling/generate.ts';
import { sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();
const at = (name: string): string => join(runs, name);
const checkpoint = (step: number): string => at(`one/checkpoints/000000${step}.safetensors`);
const set = [
  'train.steps=3',
  'train.checkpointEvery=1',
  'train.keepLast=9',
  'train.sampleEvery=9',
  'optim.learningRate=0.01',
  'ema={"decay":[0.9,0.5],"sigmaRel":[]}',
];
const KEY = 'blocks.0.attn.qkv.weight';

/** Bytes of a tensor in a safetensors file: eight bytes of length, a JSON header, the data. */
function bytesOf(path: string, name: string): Buffer {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString());
  const [start, end] = header[name].data_offsets as [number, number];
  return file.subarray(8 + length + start, 8 + length + end);
}

let vae = '';
beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  vae = await writeTinyVae(runs);
  await train(tinyConfig(vae, set), runFolder(at('one')), listener(), uninterrupted);
}, 60_000);

const load = (options: Partial<LoadOptions>, name = 'one') =>
  loadModel(name, { runs, ...options }, listener());
const convert = (output: string, options: Partial<WeightsOptions>) =>
  convertModelFile(
    { input: at('one'), output: at(output), dropUnknown: true, ...options },
    ahpaFormat({ vae: 'vae', runs, ...options }, listener()),
  );
const DRAW = { model: 'one', runs, class: '0', n: 1, seed: 0, backend: 'cpu' } as const;

describe('weights of a run', () => {
  it.each([
    [undefined, 'ema.0', '0.9'],
    ['ema', 'ema.0', '0.9'],
    ['0.5', 'ema.1', '0.5'],
    ['model', 'params', 'model'],
    ['params', 'params', 'model'],
  ])('called %s are those below %s in the file', async (ema, place, name) => {
    const model = await load(ema === undefined ? {} : { ema });
    expect(model.average).toBe(name);
    const wanted = bytesOf(checkpoint(3), `${place}.denoiser.${KEY}`);
    expect(Buffer.from(model.weights[KEY]?.data as Uint8Array)).toEqual(wanted);
    if (ema === undefined) return;
    await convert(`${ema}.safetensors`, { part: ema });
    expect(bytesOf(at(`${ema}.safetensors`), KEY)).toEqual(wanted);
    expect(bytesOf(at(`${ema}.safetensors`), KEY)).toHaveLength(48 * 144 * 4);
  });

  it('differ from each other', async () => {
    const found = ['params', 'ema.0', 'ema.1'].map((place) =>
      bytesOf(checkpoint(3), `${place}.denoiser.${KEY}`).toString('hex'),
    );
    expect(new Set(found).size).toBe(3);
  });

  it('that it has not are refused by name, with those that it has, by every command', async () => {
    const refusal = 'The run keeps no weights "0.7": it has model, 0.9, 0.5';
    const ema = '0.7';
    const sampled = sampleRun({ ...DRAW, ema, out: at('no.png') }, listener());
    await expect(sampled).rejects.toThrow(refusal);
    const drawn = {
      ...DRAW,
      ema,
      labels: 'random',
      out: [at('no.npz')],
      batch: 1,
      shard: { part: 1, of: 1 },
    };
    await expect(generate(drawn as never, listener(), uninterrupted())).rejects.toThrow(refusal);
    await expect(exportToHub(at('no'), { model: 'one', runs, ema }, listener())).rejects.toThrow(refusal);
    await expect(convert('no.safetensors', { part: ema })).rejects.toThrow(refusal);
    await expect(convert('no.safetensors', { part: 'all', ema })).rejects.toThrow(refusal);
    await expect(openSamples({ samples: 'one', runs, ema, seed: 0 }, listener())).rejects.toThrow(refusal);
    const probed = { run: 'one', runs, ema, images: 10, batch: 2, bins: 1, seed: 0 };
    await expect(probeRun(probed, listener())).rejects.toThrow(refusal);
    const init = { path: at('one'), from: 'file', part: ema } as const;
    await expect(start(init)).rejects.toThrow(refusal);
    for (const name of ['no.png', 'no.npz', 'no', 'no.safetensors']) expect(existsSync(at(name))).toBe(false);
  });

  it('named twice, in two ways, are refused', async () => {
    await expect(convert('no.safetensors', { part: 'model', ema: '0.5' })).rejects.toThrow(
      'Both --part model and --ema 0.5 name the weights',
    );
    await expect(convert('no.safetensors', { part: 'all', ema: 'model' })).rejects.toThrow(
      'beside an average',
    );
    await convert('both.safetensors', { part: 'ema', ema: '0.5' });
    expect(bytesOf(at('both.safetensors'), KEY)).toEqual(bytesOf(checkpoint(3), `ema.1.denoiser.${KEY}`));
  });

  it('start another run', async () => {
    const state = await start({ path: at('one'), from: 'file', part: 'model' });
    const weight = state.params.denoiser.blocks[0]?.attn.qkv.weight as tf.Tensor;
    const wanted = bytesOf(checkpoint(3), `params.denoiser.${KEY}`);
    expect(Buffer.from(new Uint8Array((await weight.data()).buffer))).toEqual(wanted);
  });

  it('are exported with their name, which the folder keeps', async () => {
    await exportToHub(at('raw'), { model: 'one', runs, ema: 'model' }, listener());
    expect(bytesOf(at('raw/model.safetensors'), KEY)).toEqual(
      bytesOf(checkpoint(3), `params.denoiser.${KEY}`),
    );
    expect(readFileSync(at('raw/README.md'), 'utf8')).toContain('| Weights | trained, not averaged |');
    expect((await load({ ema: 'model' }, at('raw'))).average).toBe('model');
    await expect(load({ ema: 'ema' }, at('raw'))).rejects.toThrow('holds the weights model alone');
    await expect(load({ at: 2 }, at('raw'))).rejects.toThrow('holds the weights of step 3, and not of 2');
  });

  it('of a file of published weights are refused, as it has none of these names', async () => {
    await convert('plain.safetensors', {});
    const open = ahpaFormat({ vae: 'vae', runs, ema: 'model' }, listener()).open(at('plain.safetensors'));
    await expect(open).rejects.toThrow('is no run of this program: leave --ema away');
  });
});

describe('the checkpoint of a step', () => {
  it('is the one that every command reads', async () => {
    const wanted = bytesOf(checkpoint(2), `ema.0.denoiser.${KEY}`);
    expect(Buffer.from((await load({ at: 2 })).weights[KEY]?.data as Uint8Array)).toEqual(wanted);
    await convert('two.safetensors', { at: 2 });
    expect(bytesOf(at('two.safetensors'), KEY)).toEqual(wanted);
    expect(await sampleRun({ ...DRAW, at: 2, out: at('two.png') }, listener())).toMatchObject({ step: 2 });
    const probe = { run: 'one', runs, at: 2, ema: 'model', images: 10, batch: 2, bins: 1, seed: 0 };
    expect(await probeRun(probe, listener())).toMatchObject({ step: 2, weights: 'model' });
    expect(JSON.parse(readFileSync(at('one/probe.json'), 'utf8'))).toMatchObject({ step: 2 });
    const path = await weightsPath('one', { runs, at: 2 }, listener());
    expect(await inspectModelFile(path)).toMatchObject({ kind: 'checkpoint', step: 2 });
    const { drawing, source } = await openSamples({ samples: 'one', runs, at: 2, n: 1, seed: 0 }, listener());
    await source.close();
    expect(drawing).toMatchObject({ step: 2, ema: '0.9' });
  });

  it('is refused where it is missing, with the steps that there are', async () => {
    await expect(load({ at: 7 })).rejects.toThrow(
      'one has no checkpoint of step 7: the steps that it has are 1, 2, 3.',
    );
    await expect(load({ at: 2 }, checkpoint(3))).rejects.toThrow('is the checkpoint of step 3, and not 2');
  });

  it('is of no use to images', async () => {
    const request = { samples: at('two.png'), runs, at: 2, seed: 0 } as const;
    await expect(openSamples(request, listener())).rejects.toThrow('--at is for a model that draws');
  });
});

async function start(init: Parameters<typeof withInitialWeights>[1]) {
  const config = tinyConfig(vae, set);
  const { createEngine } = await import('@ahpa/engine');
  const engine = await createEngine(config.train);
  const parts = await prepare(config, engine, listener());
  const state = initState(parts.deps, philox(7), averages(config.ema));
  expect(tf.getBackend()).toBe('cpu');
  return withInitialWeights(state, init, parts.model, listener());
}
