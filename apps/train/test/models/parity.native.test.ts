import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyDiT, type DiTConfig, type DiTParams, initDiT, SIT, type SiTName } from '@ahpa/dit-core';
import { useTensorFlow } from '@ahpa/libtensorflow';
import { flatten, mapTree, paths, unflatten } from '@ahpa/ops';
import { missing } from '@ahpa/test-fixtures';
import { type AdamState, optimizer, updateEma } from '@ahpa/trainer';
import { readWeights, type TensorEntry, toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'dit-parity-'));
const own = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ahpa/golden/bin/python');
const python = process.env['AHPA_PYTHON'] ?? (existsSync(own) ? own : 'python3');

/** Why the parity tests cannot run, or undefined where PyTorch wrote its numbers. */
function whyNot(): string | undefined {
  if (missing !== undefined) return missing;
  const script = join(import.meta.dirname, '../../../../scripts/golden/dit-parity.py');
  const { status, error, stderr } = spawnSync(python, [script, folder], { encoding: 'utf8' });
  if (status === 0) return undefined;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'it failed';
  process.stderr.write(`skipped: parity with PyTorch, ${reason} (AHPA_PYTHON names the Python)\n`);
  return reason;
}

const skipped = whyNot();

beforeAll(async () => {
  if (skipped === undefined) await useTensorFlow();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());
afterAll(() => rmSync(folder, { recursive: true }));

type Entries = Readonly<Record<string, TensorEntry>>;

function tensorOf(entries: Entries, name: string): tf.Tensor {
  const entry = entries[name] as TensorEntry;
  if (entry.dtype !== 'I32') return tf.tensor(toFloat32(entry), [...entry.shape]);
  return tf.tensor(new Int32Array(entry.data.slice().buffer), [...entry.shape], 'int32');
}

const none = (shape: readonly number[]): tf.Tensor => tf.zeros([...shape]);

/** The parameters under `prefix`, in the form of the configuration. */
function paramsOf(entries: Entries, prefix: string, config: DiTConfig): DiTParams {
  const like = initDiT(config, { normal: none, uniform: none });
  return mapTree((_, path) => tensorOf(entries, `${prefix}.${path}`), like);
}

/** |a - b| / |b| over all elements; |a| where b is next to nothing. */
function relative(a: tf.Tensor, b: tf.Tensor): number {
  const [difference, size] = tf.stack([tf.norm(tf.sub(a, b)), tf.norm(b)]).dataSync() as unknown as [
    number,
    number,
  ];
  return difference / Math.max(size, 1e-6);
}

const largest = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

type Inputs = readonly [x: tf.Tensor4D, t: tf.Tensor1D, y: tf.Tensor1D, target: tf.Tensor4D];

/** Loss and gradients, one of each parameter. */
function gradient(params: DiTParams, [x, t, y, target]: Inputs, config: DiTConfig) {
  return tf.valueAndGrads((...leaves: tf.Tensor[]) =>
    tf.mean(tf.squaredDifference(applyDiT(unflatten(params, leaves), x, t, y, config).velocity, target)),
  )(flatten(params));
}

const classes = 10;
const configOf = (name: SiTName, more: Partial<DiTConfig>): DiTConfig => ({
  ...{ ...SIT[name], latentSize: 16, latentChannels: 4, mlpRatio: 4, classes, encoderDepths: [], depth: 1 },
  ...more,
});

const cases: readonly (readonly [file: string, config: DiTConfig])[] = [
  ...(['S', 'B', 'L', 'XL'] as const).map((size) => [`${size}-2`, configOf(`SiT-${size}/2`, {})] as const),
  ...([1, 4, 8] as const).map(
    (patch) => [`S-${patch}`, configOf(`SiT-S/${patch}`, { latentSize: 8 })] as const,
  ),
  ['S-2-512', configOf('SiT-S/2', { latentSize: 64 })],
  ['S-2-whole', configOf('SiT-S/2', { latentSize: 32, depth: 12 })],
  ['S-2-16-channels', configOf('SiT-S/2', { latentChannels: 16, qkNorm: true })],
];

describe.skipIf(skipped !== undefined)('parity with a PyTorch SiT in float32', () => {
  it.each(cases)('%s: velocity within 1e-4, every gradient within 1e-3 of its size', async (file, config) => {
    const entries = await readWeights(join(folder, `${file}.safetensors`));
    const params = paramsOf(entries, 'weight', config);
    const inputs = ['x', 't', 'y', 'target'].map((name) => tensorOf(entries, name)) as never as Inputs;
    const { velocity } = applyDiT(params, inputs[0], inputs[1], inputs[2], config);
    expect(largest(velocity, tensorOf(entries, 'velocity'))).toBeLessThan(1e-4);
    const { grads } = gradient(params, inputs, config);
    const directions = tensorOf(entries, 'directions') as tf.Tensor2D;
    const seen = (leaf: tf.Tensor): tf.Tensor => {
      if (leaf.rank === 1) return leaf;
      const rows = tf.reshape(leaf, [leaf.shape[0] as number, -1]) as tf.Tensor2D;
      return tf.matMul(rows, tf.slice(directions, 0, rows.shape[1]));
    };
    const worst = paths(params).map(
      (path, i) =>
        [path, relative(seen(grads[i] as tf.Tensor), tensorOf(entries, `gradient.${path}`))] as const,
    );
    expect(worst.filter(([, error]) => !(error < 1e-3))).toEqual([]);
    expect(worst.length).toBe(Object.keys(entries).filter((name) => name.startsWith('gradient.')).length);
  });

  it('twenty steps of AdamW and EMA within 1e-4', async () => {
    const config = configOf('SiT-S/2', { latentSize: 8, depth: 2 });
    const entries = await readWeights(join(folder, 'training.safetensors'));
    const { update } = optimizer({ weightDecay: 0.01 });
    let params = paramsOf(entries, 'weight', config);
    let average = mapTree(tf.clone, params);
    let moments: AdamState<DiTParams> = {
      m: mapTree(tf.zerosLike, params),
      v: mapTree(tf.zerosLike, params),
    };
    const losses = toFloat32(entries['losses'] as TensorEntry);
    for (let step = 0; step < losses.length; step++) {
      const inputs = ['x', 't', 'y', 'target'].map((name) => {
        const all = tensorOf(entries, name);
        return tf.squeeze(tf.slice(all, step, 1), [0]);
      }) as never as Inputs;
      const { value, grads } = gradient(params, inputs, config);
      expect(Math.abs((value.dataSync()[0] as number) / (losses[step] as number) - 1)).toBeLessThan(1e-4);
      const counter = tf.scalar(step, 'int32');
      const [lr, applied] = [tf.scalar(1e-4), tf.scalar(1)];
      const next = update(params, unflatten(params, grads), moments, counter, lr, applied);
      params = next.params;
      moments = next.state as AdamState<DiTParams>;
      average = updateEma(average, params, tf.scalar(0.1));
    }
    for (const [prefix, tree] of [
      ['trained', params],
      ['average', average],
    ] as const) {
      const wanted = paramsOf(entries, prefix, config);
      const start = paramsOf(entries, 'weight', config);
      const far = paths(tree).filter((_, i) => {
        const [got, want] = [flatten(tree)[i] as tf.Tensor, flatten(wanted)[i] as tf.Tensor];
        return !(largest(got, want) < 1e-4);
      });
      expect(far).toEqual([]);
      expect(largest(flatten(tree)[0] as tf.Tensor, flatten(start)[0] as tf.Tensor)).toBeGreaterThan(5e-4);
    }
  });
});
