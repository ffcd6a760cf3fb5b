import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectClose, testTensor } from '@ahpa/test-utils';
import { writeNpz } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../src/dataset.ts';
import { openTeacher, withTeacher } from '../src/teacher.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-teacher-'));

/** Writes arrays of float32 and returns the path. */
async function archive(name: string, arrays: Record<string, tf.Tensor>): Promise<string> {
  const path = join(home, `${name}.npz`);
  const entries = Object.entries(arrays).map(([key, tensor]) => {
    const data = new Uint8Array((tensor.dataSync() as Float32Array).slice().buffer);
    return [key, { dtype: 'F32', shape: tensor.shape, data }] as const;
  });
  await writeNpz(path, Object.fromEntries(entries));
  return path;
}

const empty = (): tf.Tensor4D => tf.zeros([1, 1, 1, 1]);
const dataset = (count: number): Dataset => ({
  count,
  labels: new Int32Array(count),
  batch: () => ({ latent: { mean: empty(), std: empty() }, y: tf.tensor1d([0], 'int32'), targets: [] }),
  pixels: async () => new Uint8Array(),
});

describe('a teacher from a file', () => {
  it('gives the rows of a batch, attention row by row', async () => {
    const [tokens, attention] = [testTensor([5, 4, 3], 1), testTensor([5, 2, 4, 4], 2)];
    const teacher = await openTeacher(await archive('both', { tokens, 'attention.0': attention }));
    expect(teacher.shapes).toEqual([
      { name: 'tokens', tokens: 4, width: 3 },
      { name: 'attention.0', tokens: 4, width: 8 },
    ]);
    const { targets } = await withTeacher(dataset(5), teacher).batch(Uint32Array.of(3, 0));
    const [own, maps] = targets as [tf.Tensor3D, tf.Tensor3D];
    expectClose(own, tf.gather(tokens, [3, 0]), { atol: 0 });
    // query 1 of image 3: the keys of head 0, then those of head 1
    const wanted = tf.concat(
      [0, 1].map((head) => tf.slice(attention, [3, head, 1, 0], [1, 1, 1, 4])),
      3,
    );
    expectClose(tf.slice(maps, [0, 1, 0], [1, 1, 8]), tf.reshape(wanted, [1, 1, 8]), { atol: 0 });
    await teacher.close();
  });

  it('refuses a row that is not finite, by its number', async () => {
    const tokens = tf.where(tf.equal(tf.range(0, 60), 29), Number.NaN, tf.range(0, 60));
    const teacher = await openTeacher(await archive('nan', { tokens: tf.reshape(tokens, [5, 4, 3]) }));
    const all = withTeacher(dataset(5), teacher);
    expect((await all.batch(Uint32Array.of(4, 0))).targets).toHaveLength(1);
    await expect(all.batch(Uint32Array.of(4, 2))).rejects.toThrow('nan.npz: "tokens" of row 2 is not finite');
    await teacher.close();
  });

  it('says what is wrong with a file', async () => {
    await expect(openTeacher(join(home, 'nowhere.npz'))).rejects.toThrow('alignment.teacher.path');
    const other = await archive('other', { features: testTensor([5, 4, 3], 1) });
    await expect(openTeacher(other)).rejects.toThrow('has the arrays features, wanted "tokens" [n, T, D]');
    const flat = await archive('flat', { tokens: testTensor([5, 4], 1) });
    await expect(openTeacher(flat)).rejects.toThrow('"tokens" is [5,4], wanted [n, T, D]');
    const odd = { tokens: testTensor([5, 4, 3], 1), 'attention.0': testTensor([5, 2, 4, 9], 2) };
    await expect(openTeacher(await archive('odd', odd))).rejects.toThrow('wanted [5, heads, 4, 4]');
    const teacher = await openTeacher(await archive('short', { tokens: testTensor([5, 4, 3], 1) }));
    expect(() => withTeacher(dataset(6), teacher)).toThrow('has 5 rows, wanted 6');
    await teacher.close();
  });
});
