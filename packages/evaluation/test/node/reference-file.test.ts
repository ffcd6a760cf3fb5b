import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '@ahpa/messages';
import { writeNpz } from '@ahpa/weight-files';
import { afterAll, describe, expect, it } from 'vitest';
import { frechetDistance, portableAlgebra } from '../../src/index.ts';
import {
  factorReference,
  type OpenFeatureNetwork,
  openReference,
  readReference,
  saveReference,
} from '../../src/node/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'ahpa-reference-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const network = { prefix: '', name: 'a network', sha256: 'a'.repeat(64) } as OpenFeatureNetwork;
const gaussian = (mean: number, variance: number) => ({
  mean: Float64Array.of(mean, 0),
  covariance: { rows: 2, columns: 2, data: Float64Array.of(variance, 0, 0, 1) },
});

describe('statistics in a file', () => {
  it.each([
    ['mean', gaussian(Number.NaN, 1), gaussian(0, 1), undefined],
    ['covariance', gaussian(0, 1), gaussian(0, Number.POSITIVE_INFINITY), undefined],
    [
      'features',
      gaussian(0, 1),
      gaussian(0, 1),
      { rows: 1, columns: 2, data: Float32Array.of(1, Number.NaN) },
    ],
  ])('are refused by file and name where their %s is not finite', async (name, whole, spatial, features) => {
    const path = at(`${name}.safetensors`);
    const reference = { path, sha256: 'b'.repeat(64), n: 3, gaussian: whole, spatial, features };
    await saveReference(path, reference, network);
    await expect(readReference(path, network)).rejects.toThrow(
      new RegExp(`${name}\\.safetensors holds a value of its ${name} that is not finite`),
    );
  });

  it("are refused so in the ADM evaluator's form, too", async () => {
    const entry = (values: readonly number[], ...shape: number[]) =>
      ({ dtype: 'F64', shape, data: new Uint8Array(Float64Array.from(values).buffer) }) as const;
    const [mean, unit] = [entry([0, 0], 2), entry([1, 0, 0, 1], 2, 2)];
    await writeNpz(at('adm.npz'), {
      mu: mean,
      sigma: unit,
      mu_s: mean,
      sigma_s: entry([1, 0, 0, Number.NaN], 2, 2),
    });
    await expect(openReference(at('adm.npz'), network, portableAlgebra)).rejects.toThrow(
      /adm\.npz holds a value of its covariance that is not finite/,
    );
  });

  it("may be pytorch-fid's, which has no spatial ones", async () => {
    const entry = (values: readonly number[], ...shape: number[]) =>
      ({ dtype: 'F64', shape, data: new Uint8Array(Float64Array.from(values).buffer) }) as const;
    const path = at('fid.npz');
    await writeNpz(path, { mu: entry([1, 2], 2), sigma: entry([4, 0, 0, 9], 2, 2) });
    const warnings: string[] = [];
    const reporter = { ...silent, warn: (text: string) => void warnings.push(text) };
    const reference = await openReference(path, network, portableAlgebra, reporter);
    expect([...reference.gaussian.mean]).toEqual([1, 2]);
    expect([...reference.gaussian.covariance.data]).toEqual([4, 0, 0, 9]);
    expect([reference.spatial, reference.n, reference.features]).toEqual([undefined, null, undefined]);
    expect(warnings).toEqual([
      expect.stringMatching(/fid\.npz holds statistics alone, as pytorch-fid writes them/),
    ]);
    // |(1,2)-(0,0)|^2 + (2-1)^2 + (3-1)^2
    const { whole, places } = factorReference(reference, portableAlgebra);
    expect(frechetDistance(whole, gaussian(0, 1), portableAlgebra)).toBeCloseTo(5 + 1 + 4, 10);
    expect(places).toBeUndefined();
    const saved = at('fid.safetensors');
    await saveReference(saved, reference, network);
    expect(await readReference(saved, network)).toMatchObject({ spatial: undefined, n: null });
    await writeNpz(path, { mu: entry([1, 2], 2), mu_s: entry([1, 2], 2) });
    await expect(openReference(path, network, portableAlgebra)).rejects.toThrow(
      /has mu, mu_s but no sigma, sigma_s/,
    );
  });
});
