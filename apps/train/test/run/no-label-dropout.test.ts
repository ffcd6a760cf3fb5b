/** Training without label dropout on one class: the networks that come out of it have no null class, as DiT's. */
import { join } from 'node:path';
import { convertModelFile, inspectModelFile } from '@ahpa/sit-models';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { readWeights } from '@ahpa/weight-files';
import { beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { TrainConfig } from '../../src/config/types.ts';
import { exportToHub } from '../../src/export/export.ts';
import { ahpaFormat } from '../../src/models/ahpa-format.ts';
import { loadModel } from '../../src/models/load-model.ts';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, uninterrupted } from '../tiny.ts';

const runs = temporary();
const at = (name: string): string => join(runs, name);
const TABLE = 'y_embedder.embedding_table.weight';
const checkpoint = 'one/checkpoints/0000002.safetensors';
let config: (...set: string[]) => TrainConfig;

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  await writePhotos(at('photos'));
  const vae = { kind: 'file', path: await writeTinyVae(runs) };
  const data = { kind: 'images', path: at('photos/train/cat'), size: 16, threads: 0 };
  const values = [`vae=${JSON.stringify(vae)}`, `data=${JSON.stringify(data)}`, 'train.backend=cpu'];
  const steps = ['train.steps=2', 'train.sampleEvery=2', 'train.checkpointEvery=2', 'sample.steps=2'];
  config = (...set) =>
    loadConfig({ names: ['tiny'], set: [...values, ...steps, 'model.labelDropout=0', ...set] });
  await train(config(), runFolder(at('one')), listener(), uninterrupted);
}, 60_000);

const draw = (model: string, guidance: number) => {
  const request = { model, runs, class: 'all', n: 1, out: at('grid.png'), seed: 0, sample: { guidance } };
  return sampleRun(request, listener());
};

it('gives a model of the classes alone, with the weights of the checkpoint', async () => {
  const { network, weights } = await loadModel('one', { runs }, listener());
  expect(network).toMatchObject({ classes: 1, hasNullClass: false });
  const stored = (await readWeights(at(checkpoint)))[`ema.0.denoiser.${TABLE}`];
  expect(stored?.shape).toEqual([2, 48]);
  expect(weights[TABLE]?.shape).toEqual([1, 48]);
  expect(Buffer.from(weights[TABLE]?.data ?? [])).toEqual(
    Buffer.from(stored?.data.subarray(0, 48 * 4) ?? []),
  );
});

it('is sampled, exported, sampled again and converted; guidance is refused with the remedy', async () => {
  expect((await draw('one', 1)).images).toBe(1);
  const rights = { license: 'cc0-1.0', data: 'eight photographs' };
  await exportToHub(at('hub'), { model: 'one', runs, ...rights }, listener());
  expect((await draw(at('hub'), 1)).images).toBe(1);
  for (const model of ['one', at('hub')]) {
    await expect(draw(model, 1.5)).rejects.toThrow(/no null class, so guidance 1\.5 .*--cfg 1/);
  }
  const output = at('repa.safetensors');
  for (const input of ['one', at('hub')]) {
    await convertModelFile({ input, output, force: true }, ahpaFormat({ vae: 'vae', runs }, listener()));
    expect((await readWeights(output))[TABLE]?.shape).toEqual([1, 48]);
  }
  const found = await inspectModelFile(output, { heads: 3, classes: 1 });
  expect(found.problems).toEqual([]);
  expect(found.networks['']?.network).toMatchObject({ classes: 1, hasNullClass: false });
});

it('starts a run that drops labels, with a null class of its own', async () => {
  const reporter = listener();
  const init = `model.init={"path":${JSON.stringify(at(checkpoint))}}`;
  const again = config(init, 'model.labelDropout=0.5', 'optim.learningRate=1e-30');
  await train(again, runFolder(at('two')), reporter, uninterrupted);
  expect(reporter.warned).toEqual([
    expect.stringMatching(
      /^The null class starts anew, as .*0000002\.safetensors was trained without label dropout\.$/,
    ),
  ]);
  const [before, after] = await Promise.all(
    [at(checkpoint), at('two/checkpoints/0000002.safetensors')].map((path) => readWeights(path)),
  );
  const averaged = Buffer.from(before?.[`ema.0.denoiser.${TABLE}`]?.data.subarray(0, 48 * 4) ?? []);
  const table = after?.[`params.denoiser.${TABLE}`];
  expect(table?.shape).toEqual([2, 48]);
  expect(Buffer.from(table?.data.subarray(0, 48 * 4) ?? [])).toEqual(averaged);
});

it('warns where sample grids are guided by a null class that is never trained', async () => {
  const reporter = listener();
  await train(config('sample.guidance=2'), runFolder(at('guided')), reporter, uninterrupted);
  expect(reporter.warned).toEqual([
    expect.stringMatching(
      /^sample\.guidance is 2, .*never trained: set sample\.guidance to 1, or model\.labelDropout/,
    ),
  ]);
});
