import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { readSweep, sweepRuns } from '../../src/experiments/sweep-file.ts';
import { inPackage } from '../../src/files/package-folder.ts';
import { loadAlignment } from '../../src/models/alignment.ts';
import { alignmentSpec, modelConfig } from '../../src/models/shapes.ts';

const SHAPE = { latentSize: 8, latentChannels: 4, classes: 9 };
const SWEEPS = readdirSync(inPackage('configs/sweeps'));

describe('sweeps that come with the trainer', () => {
  it.each(SWEEPS)('%s: every arm can be trained, and no two are the same', async (file) => {
    const sweep = readSweep(inPackage(join('configs/sweeps', file)));
    const runs = sweepRuns({ ...sweep, seeds: [0] });
    const warn = vi.fn();
    const configs = runs.map(({ config, set }) => loadConfig({ names: config, set }, warn));
    expect(warn).not.toHaveBeenCalled();
    for (const config of configs) {
      const network = modelConfig(config.model, SHAPE);
      const tokens = (SHAPE.latentSize / network.patchSize) ** 2;
      const groups = ['fine', 'mid', 'coarse'].map((name) => ({ name, width: 4, tokens }));
      const { weight } = await loadAlignment(config.alignment, alignmentSpec(config, network, groups));
      const [first] = weight.weight(tf.scalar(0, 'int32'), weight.initState()).dataSync();
      expect(first === 0).toBe(config.alignment.kind === 'none');
    }
    const different = new Set(configs.map(({ description: _, ...config }) => JSON.stringify(config)));
    expect(different.size).toBe(runs.length);
  });
});
