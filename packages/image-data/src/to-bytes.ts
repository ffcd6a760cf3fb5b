/** Bytes of computed images. */

/** Pixels of images in [-1, 1] as uint8, rounded down as REPA does: values of `[B, H, W, 3]` -> bytes. */
export const toBytes = (values: ArrayLike<number>): Uint8Array =>
  Uint8Array.from(values, (value) => Math.min(Math.max((value + 1) * 127.5, 0), 255));
