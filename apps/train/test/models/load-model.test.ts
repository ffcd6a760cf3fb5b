import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { denoiserParams, loadModel } from '../../src/models/load-model.ts';
import { writeModelFolder } from '../../src/models/model-folder.ts';
import type { TrainedModel } from '../../src/models/trained-model.ts';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();
const exported = join(runs, 'exported');
let model: TrainedModel;

const load = (name: string, ema?: string): Promise<TrainedModel> =>
  loadModel(name, { runs, ...(ema !== undefined && { ema }) }, listener());

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(runs, 'cache');
  const set = ['train.steps=2', 'train.checkpointEvery=1', 'ema={"decay":[0.9,0.5],"sigmaRel":[]}'];
  const config = tinyConfig(await writeTinyVae(runs), set);
  await train(config, runFolder(join(runs, 'one')), listener(), uninterrupted);
  model = await load('one');
  await writeModelFolder(exported, model, { kind: 'file', path: '../vae' });
}, 60_000);

describe('loadModel', () => {
  it('finds a run by name and by folder, and a checkpoint', async () => {
    expect(model).toMatchObject({ step: 2, average: '0.9', shape: { latentSize: 2, classes: 9 } });
    expect(await load(join(runs, 'one'))).toEqual(model);
    expect(await load(model.source)).toEqual(model);
    expect((await load(model.source.replace('2.safe', '1.safe'))).step).toBe(1);
  });

  it('gives the denoiser alone, under published names', () => {
    const names = Object.keys(model.weights);
    expect(names).toContain('blocks.0.adaLN_modulation.1.weight');
    expect(names.filter((name) => /head|router|ema/.test(name))).toEqual([]);
    const { x_embedder } = denoiserParams(model);
    const { data } = model.weights['x_embedder.proj.weight'] as { data: Uint8Array };
    expect(x_embedder.proj.weight.dataSync()).toEqual(new Float32Array(data.slice().buffer));
  });

  it('gives the average that is named', async () => {
    const other = await load('one', '0.5');
    expect(other.average).toBe('0.5');
    expect(other.weights).not.toEqual(model.weights);
    await expect(load('one', '0.7')).rejects.toThrow(
      'The run keeps no weights "0.7": it has model, 0.9, 0.5, where model is the trained ones',
    );
  });

  it('gives of an exported folder what it gave of the run', async () => {
    const { config, source, vae, network, dropped, ...same } = model;
    expect(dropped).toBeGreaterThan(0);
    const again = await load(exported);
    expect(again).toMatchObject(same);
    expect(again.network).toEqual({ ...network, encoderDepths: [] });
    expect(again.vae).toMatchObject({ kind: 'file', path: join(runs, 'vae') });
    const images = [];
    for (const [name, out] of [
      ['one', 'run.png'],
      [exported, 'folder.png'],
    ] as const) {
      const request = { model: name, runs, class: '2', n: 2, seed: 3, backend: 'cpu' } as const;
      await sampleRun({ ...request, out: join(runs, out) }, listener());
      images.push(readFileSync(join(runs, out)));
    }
    expect(images[0]).toEqual(images[1]);
  });
});

describe('what cannot be loaded', () => {
  const change = async (edit: (json: Record<string, unknown>) => void): Promise<TrainedModel> => {
    const json = JSON.parse(readFileSync(join(exported, 'config.json'), 'utf8'));
    edit(json);
    const folder = join(runs, 'changed');
    await writeModelFolder(folder, model, model.vae);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
    return load(folder);
  };

  it('is said in a sentence', async () => {
    await expect(load('two')).rejects.toThrow(/no run with checkpoints at two or .*two, and no exported/);
    await expect(load(exported, '0.5')).rejects.toThrow('holds the weights 0.9 alone, and not 0.5');
    await expect(change((json) => delete json['architecture'])).rejects.toThrow(
      /changed\/config\.json is not valid: architecture: wanted object, got nothing/,
    );
    await expect(change((json) => (json['classes'] as string[]).pop())).rejects.toThrow(
      'names 8 classes, wanted 9',
    );
    await expect(change((json) => Object.assign(json['sample'] as object, { steps: -1 }))).rejects.toThrow(
      /sample\.steps/,
    );
    const deeper = await change((json) => Object.assign(json['architecture'] as object, { depth: 99 }));
    expect(() => denoiserParams(deeper)).toThrow(/has nothing at blocks\.\d+\..*wanted F32/);
  });
});
