import { eagerEngine } from '@ahpa/engine';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Prepared, prepare } from '../../src/run/prepare.ts';
import { listener, tinyConfig } from '../tiny.ts';

const home = temporary();
let parts: Prepared;

beforeAll(async () => {
  process.env['AHPA_CACHE'] = home;
  await tf.setBackend('cpu');
  const config = tinyConfig(await writeTinyVae(home), ['data.perClass=4', 'data.holdOut=0.3']);
  parts = await prepare(config, eagerEngine, listener());
});

describe('prepare', () => {
  it('gives batches to train on by row', async () => {
    const batch = await parts.train.batch(Uint32Array.of(3, 0));
    expect(batch.latent.mean.shape).toEqual([2, 2, 2, 4]);
    expect([...(await batch.y.data())]).toEqual([parts.train.labels[3], parts.train.labels[0]]);
    const shapes = (batch.targets as tf.Tensor[]).map(({ shape }) => shape);
    expect(shapes).toEqual(parts.groups.map(({ width }) => [2, 4, width]));
    expect(parts.groups.map(({ name }) => name)).toEqual(['fine', 'mid', 'coarse']);
  });

  it('keeps what is held out apart, with its pixels', async () => {
    const heldOut = await parts.heldOut();
    expect(parts.train.count + heldOut.count).toBe(36);
    expect(heldOut.count).toBeGreaterThan(0);
    expect(await parts.heldOut()).toBe(heldOut);
    const pixels = await heldOut.pixels(Uint32Array.of(0, 1));
    expect(pixels.length).toBe(2 * 16 * 16 * 3);
    expect(new Set(pixels).size).toBeGreaterThan(2);
  });
});
