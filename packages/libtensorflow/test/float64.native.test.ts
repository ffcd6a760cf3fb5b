import { beforeAll, describe, expect, it } from 'vitest';
import { type Float64Matrix, float64Algebra, useTensorFlow } from '../src/index.ts';
import { missing } from './native.ts';

const matrix = (rows: number, columns: number, value: (i: number, j: number) => number): Float64Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, at) =>
    value(Math.floor(at / columns), at % columns),
  ),
});

describe.skipIf(missing)('float64 linear algebra', () => {
  beforeAll(() => useTensorFlow().then(() => undefined));

  it('multiplies with either factor transposed, in more digits than float32 has', () => {
    const a = matrix(2, 3, (i, j) => 1 + i + 10 * j + 1e-12);
    const b = matrix(3, 2, (i, j) => 2 - i + 5 * j);
    const product = float64Algebra.multiply(a, b);
    expect(product).toMatchObject({ rows: 2, columns: 2 });
    const at = (i: number, j: number): number =>
      [0, 1, 2].reduce((sum, k) => sum + (a.data[i * 3 + k] as number) * (b.data[k * 2 + j] as number), 0);
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const)
      expect(product.data[i * 2 + j]).toBeCloseTo(at(i, j), 13);
    expect(float64Algebra.multiply(a, a, 'a')).toMatchObject({ rows: 3, columns: 3 });
    const outer = float64Algebra.multiply(a, a, 'b');
    expect(outer.data[1]).toBe(outer.data[2]);
    expect(outer.data[0]).toBeCloseTo(1 + 121 + 441 + 2 * 33e-12, 10);
  });

  it('decomposes a symmetric matrix: ascending eigenvalues, A = V L V^T', () => {
    const size = 40;
    const symmetric = matrix(size, size, (i, j) => Math.sin(1 + i * j) + (i === j ? i : 0));
    const { values, vectors } = float64Algebra.eigen(symmetric);
    expect([...values]).toEqual([...values].sort((a, b) => a - b));
    const scaled = { ...vectors, data: vectors.data.map((v, at) => v * (values[at % size] as number)) };
    const again = float64Algebra.multiply(scaled, vectors, 'b');
    again.data.forEach((value, at) => {
      expect(value).toBeCloseTo(symmetric.data[at] as number, 11);
    });
    float64Algebra.eigenvalues(symmetric).forEach((value, i) => {
      expect(value).toBeCloseTo(values[i] as number, 11);
    });
  });

  it('leaves no tensor behind', async () => {
    const { eager } = await useTensorFlow();
    const before = eager.getNumOfTensors();
    float64Algebra.eigen(matrix(3, 3, (i, j) => i + j));
    expect(() =>
      float64Algebra.multiply(
        matrix(2, 3, () => 1),
        matrix(2, 3, () => 1),
      ),
    ).toThrow('MatMul');
    expect(eager.getNumOfTensors()).toBe(before);
  });
});
