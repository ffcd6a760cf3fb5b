import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eagerEngine } from '@ahpa/engine';
import { readIndex } from '@ahpa/latent-cache';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { TrainConfig } from '../../src/config/types.ts';
import { runFolder } from '../../src/records/folder.ts';
import { type ExtractRequest, runExtract } from '../../src/run/extract-images.ts';
import { prepare } from '../../src/run/prepare.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyAssignments, uninterrupted } from '../tiny.ts';

const home = temporary();
const at = (name: string): string => join(home, name);
let vae = '';

const configOf = (data: object, set: readonly string[] = []): TrainConfig => {
  const own = tinyAssignments(vae).filter((assignment) => !assignment.startsWith('data.'));
  return loadConfig({ names: ['tiny'], set: [...own, `data=${JSON.stringify(data)}`, ...set] });
};
const imagesOf = (path: string): object => ({ kind: 'images', path: at(path), size: 16, threads: 0 });
const extractTo = (out: string, source: string, more: Partial<ExtractRequest> = {}) =>
  runExtract(
    configOf(imagesOf(source)),
    { out: at(out), threads: 0, batch: 4, ...more },
    listener(),
    uninterrupted,
  );
const classesOf = async (out: string): Promise<readonly string[] | undefined> =>
  (await readIndex(at(out)))?.classes;

/** A folder with one image in each of the class folders. */
function source(name: string, classes: readonly string[]): void {
  for (const one of classes) {
    mkdirSync(at(join(name, one)), { recursive: true });
    cpSync(at('photos/train/cat/0.png'), at(join(name, one, '0.png')));
  }
}

function names(file: string, classes: readonly string[]): string {
  writeFileSync(at(file), classes.join('\n'));
  return at(file);
}

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writePhotos(at('photos'));
  source('three', ['a', 'b', 'c']);
  source('two', ['a', 'c']);
  source('other', ['a', 'x']);
  source('numbers', ['0', '1', '2', '10']);
});

describe('classes', () => {
  it('of a held-out cache are those of the cache that it is like', async () => {
    await extractTo('train', 'three');
    await extractTo('val', 'two', { like: at('train') });
    expect(await classesOf('val')).toEqual(['a', 'b', 'c']);
    const parts = await prepare(
      configOf({ kind: 'cache', path: at('train'), heldOut: at('val') }),
      eagerEngine,
      listener(),
    );
    expect([...(await parts.heldOut()).labels]).toEqual([0, 2]);
    parts.dispose();
    await expect(extractTo('x', 'other', { like: at('train') })).rejects.toThrow(
      /images of the class x, which .*train lacks/,
    );
    await expect(extractTo('x', 'two', { like: at('nothing') })).rejects.toThrow(
      /holds no cache whose classes/,
    );
  });

  it('of a cache with others are refused before the first step', async () => {
    await extractTo('alone', 'two');
    const data = { kind: 'cache', path: at('train'), heldOut: at('alone') };
    await expect(prepare(configOf(data), eagerEngine, listener())).rejects.toThrow(
      /classes.*extract it with --like/,
    );
  });

  it('come from a file, and stay those of an older cache that is continued', async () => {
    await extractTo('older', 'numbers', { classes: names('older.txt', ['0', '1', '10', '2']) });
    await expect(extractTo('older', 'numbers')).rejects.toThrow(/or keep its classes with --like .*older\.$/);
    expect(await extractTo('older', 'numbers', { like: at('older') })).toMatchObject({ count: 4 });
    expect(await classesOf('older')).toEqual(['0', '1', '10', '2']);
  });

  it('of a run stay those of its checkpoints', async () => {
    const set = ['train.batch=2', 'train.checkpointEvery=1', 'train.sampleEvery=9'];
    const run = (classes: string | null, steps: number) =>
      train(
        configOf({ ...imagesOf('numbers'), classes }, [...set, `train.steps=${steps}`]),
        runFolder(at('run')),
        listener(),
        uninterrupted,
      );
    await run(null, 1);
    await expect(run(names('old.txt', ['0', '1', '10', '2']), 2)).rejects.toThrow(
      /trained with class 2 named "2", and the data name it "10": write the 4 old names/,
    );
    expect(await run(names('same.txt', ['0', '1', '2', '10']), 2)).toMatchObject({ step: 2 });
  });
});
