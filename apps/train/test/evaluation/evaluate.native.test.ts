import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { useTensorFlow } from '@ahpa/libtensorflow';
import { missing } from '@ahpa/test-fixtures';
import { testValues } from '@ahpa/test-utils';
import { writeNpz } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reporter } from '../../src/cli/reporter.ts';
import { type EvaluateRequest, type Evaluation, evaluate } from '../../src/evaluation/evaluate.ts';

/** The graph that the tests of @ahpa/libtensorflow make; by a variable, since it lies in another project. */
const GRAPH = '../../../../packages/libtensorflow/test/small-inception.ts';
const graphBytes = async (): Promise<Uint8Array> => {
  const { smallInception } = (await import(GRAPH)) as { smallInception: () => { bytes: Uint8Array } };
  return smallInception().bytes;
};

let folder = '';
const at = (name: string): string => join(folder, name);
const reporter: Reporter = {
  say: () => undefined,
  warn: () => undefined,
  progress: (label) => {
    measured.push(label);
    return { update: () => undefined, stop: () => undefined };
  },
  result: () => undefined,
  print: () => undefined,
  trace: () => undefined,
  close: () => undefined,
};

/** Images `[n, 8, 8, 3]` of random numbers about a colour. */
const images = (n: number, seed: number, base = 100): Uint8Array =>
  Uint8Array.from(testValues(n * 192, seed), (value) => base + 60 * value);

const array = (n: number, data: Uint8Array) => ({ dtype: 'U8', shape: [n, 8, 8, 3], data }) as const;

/** What was measured, by the labels of progress. */
const measured: string[] = [];

async function evaluateFiles(request: Partial<EvaluateRequest>): Promise<Evaluation> {
  const common = { samples: at('samples.npz'), ref: at('ref.npz'), inception: at('small.pb'), runs: folder };
  return evaluate({ ...common, seed: 0, command: 'ahpa evaluate', ...request }, reporter);
}

describe.skipIf(missing)('ahpa evaluate through a frozen graph', () => {
  beforeAll(async () => {
    await useTensorFlow();
    folder = await mkdtemp(join(tmpdir(), 'ahpa-evaluate-'));
    await writeFile(at('small.pb'), await graphBytes());
    await writeNpz(at('samples.npz'), { arr_0: array(130, images(130, 1)) });
    await writeNpz(at('ref.npz'), { arr_0: array(120, images(120, 2, 110)) });
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('keeps the card and leaves no tensor behind', async () => {
    const live = tf.memory().numTensors;
    const { card } = await evaluateFiles({ card: at('card.json') });
    expect(tf.memory().numTensors).toBe(live);
    expect(JSON.parse(await readFile(at('card.json'), 'utf8'))).toEqual(card);
    const wanted = { version: 1, n: 130, drawing: null, command: 'ahpa evaluate' };
    expect(card satisfies EvaluationCard).toMatchObject(wanted);
  });

  it('keeps statistics of the reference, which give the same metrics', async () => {
    const first = await evaluateFiles({ saveRef: at('kept.safetensors') });
    const again = await evaluateFiles({ ref: at('kept.safetensors') });
    expect(again.card.figures).toEqual(first.card.figures);
  });

  it('tests samples against others of the same noise', async () => {
    const { paired } = await evaluateFiles({ against: at('samples.npz'), bootstrap: 20 });
    expect(paired).toMatchObject({ value: 0, pValue: 1, against: at('samples.npz') });
  });

  it.each<[string, Partial<EvaluateRequest>, RegExp]>([
    ['nothing', { samples: 'absent' }, /There are no samples at .*absent, and no run absent/],
    ['too few', { n: 999 }, /holds 130 images, fewer than --n 999/],
    ['a URL without a hash', { inception: 'https://example.invalid/graph.pb' }, /add --sha256 HEX/],
    ['nothing to compare with', { against: 'absent' }, /There are no samples at .*absent/],
    ['no reference', { ref: 'absent.npz' }, /absent\.npz/],
  ])('refuses %s in one sentence, before anything is measured', async (_, request, message) => {
    measured.length = 0;
    await expect(evaluateFiles(request)).rejects.toThrow(message);
    expect(measured).toEqual([]);
  });
});
