/** Named tensors as files hold them: raw bytes, row by row. */

/** A tensor of a state dict in PyTorch's layout; `data` holds its little-endian elements in row-major order. */
export type StateTensor = {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
};

/** Tensors by name. */
export type StateDict<T extends StateTensor = StateTensor> = Readonly<Record<string, T>>;

/** Whether two tensors are the same to the last bit. */
export function sameTensor(a: StateTensor, b: StateTensor): boolean {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  return a.data.length === b.data.length && a.data.every((byte, i) => byte === b.data[i]);
}

/** Cuts a tensor into `count` equal parts along its first axis; the parts are views. */
export function splitRows<T extends StateTensor>(tensor: T, count: number): T[] {
  const [rows, ...rest] = tensor.shape as [number, ...number[]];
  const bytes = tensor.data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    ...tensor,
    shape: [rows / count, ...rest],
    data: tensor.data.subarray(i * bytes, (i + 1) * bytes),
  }));
}

/**
 * One tensor of several along their first axis; the opposite of `splitRows`.
 * @throws Error where types or widths differ
 */
export function joinRows<T extends StateTensor>(parts: readonly T[]): T {
  const [first, ...others] = parts as [T, ...T[]];
  const odd = others.find(
    ({ dtype, shape }) => dtype !== first.dtype || shape.slice(1).join() !== first.shape.slice(1).join(),
  );
  if (odd !== undefined) {
    throw new Error(
      `Tensors of one layer are ${first.dtype} [${first.shape}] and ${odd.dtype} [${odd.shape}], wanted the same type and width.`,
    );
  }
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return { ...first, shape: [rows, ...first.shape.slice(1)], data };
}

const WORDS: Readonly<Record<string, { bytes: number; exponent: number }>> = {
  F32: { bytes: 4, exponent: 0x7f800000 },
  F16: { bytes: 2, exponent: 0x7c00 },
  BF16: { bytes: 2, exponent: 0x7f80 },
};

/** Index and value of the first element that is NaN or infinite, of an F32, F16 or BF16 tensor; undefined where there is none. */
export function firstNonFinite({ dtype, data }: StateTensor): readonly [number, string] | undefined {
  const word = WORDS[dtype];
  if (word === undefined) return undefined;
  const own = data.byteOffset % word.bytes === 0 ? data : data.slice();
  const length = own.byteLength / word.bytes;
  const values =
    word.bytes === 4
      ? new Uint32Array(own.buffer, own.byteOffset, length)
      : new Uint16Array(own.buffer, own.byteOffset, length);
  const sign = 2 ** (8 * word.bytes - 1);
  for (let i = 0; i < length; i++) {
    const value = values[i] as number;
    if ((value & word.exponent) !== word.exponent) continue;
    const magnitude = value >= sign ? value - sign : value;
    return [i, magnitude > word.exponent ? 'NaN' : value >= sign ? '-Infinity' : 'Infinity'];
  }
  return undefined;
}
