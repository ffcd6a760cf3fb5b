/** Tensors whose elements do not lie one after the other. */

/** Whether elements lie in row-major order without gaps; the strides of lengths 1 do not matter. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let wanted = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] as number;
    if (length !== 1 && strides[axis] !== wanted) return false;
    wanted *= length;
  }
  return true;
}

/** The elements, each `width` bytes, in row-major order; strides count elements. */
export function gather(
  bytes: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Uint8Array {
  const count = shape.reduce((product, length) => product * length, 1);
  const packed = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < packed.length; to += width) {
    for (let i = 0; i < width; i++) packed[to + i] = bytes[from * width + i] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      from += stride;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= stride * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return packed;
}
