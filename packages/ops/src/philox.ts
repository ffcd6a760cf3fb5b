/** Philox4x32-10 on plain numbers, with the float conversions TensorFlow uses, so streams equal its stateless random ops. */

const MULTIPLIER_A = 0xd2511f53;
const MULTIPLIER_B = 0xcd9e8d57;
const WEYL_A = 0x9e3779b9;
const WEYL_B = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers, by 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (carry >>> 16);
}

/** A Philox key: two unsigned 32-bit words. */
export interface PhiloxKey {
  readonly low: number;
  readonly high: number;
}

/**
 * One block of Philox4x32-10 (Salmon et al. 2011): four unsigned words for a 128-bit counter, least significant word first.
 * Writes to `out[offset .. offset + 3]`.
 */
export function philoxBlock(
  counter: readonly [number, number, number, number],
  key: PhiloxKey,
  out: Uint32Array,
  offset: number,
): void {
  let [x0, x1, x2, x3] = counter;
  let k0 = key.low;
  let k1 = key.high;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_A, x0);
    const high1 = multiplyHigh(MULTIPLIER_B, x2);
    const low0 = Math.imul(MULTIPLIER_A, x0) >>> 0;
    const low1 = Math.imul(MULTIPLIER_B, x2) >>> 0;
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0;
    k0 = (k0 + WEYL_A) >>> 0;
    k1 = (k1 + WEYL_B) >>> 0;
  }
  out[offset] = x0;
  out[offset + 1] = x1;
  out[offset + 2] = x2;
  out[offset + 3] = x3;
}

/** `count` unsigned 32-bit words of one (key, step): word i is output i % 4 of counter (i / 4, step). */
export function philoxWords(key: PhiloxKey, step: number, count: number): Uint32Array {
  const groups = Math.ceil(count / 4);
  const words = new Uint32Array(4 * groups);
  for (let group = 0; group < groups; group++) philoxBlock([group, 0, step >>> 0, 0], key, words, 4 * group);
  return words.subarray(0, count);
}

/**
 * The key of a stream: the seed, an integer of 32 bits, and the FNV-1a hash of the stream's name.
 * @throws RangeError for any other seed
 */
export function streamKey(seed: number, stream: string): PhiloxKey {
  if (seed >>> 0 !== seed) {
    throw new RangeError(`The seed is ${seed}, wanted a whole number from 0 to ${2 ** 32 - 1}.`);
  }
  let hash = 0x811c9dc5;
  for (let i = 0; i < stream.length; i++) hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193);
  return { low: seed, high: hash >>> 0 };
}

/** Uniform float32 in [0, 1) from 23 bits of every word (TensorFlow's Uint32ToFloat). */
export function uniformValues(words: Uint32Array): Float32Array {
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) values[i] = ((words[i] as number) & 0x7fffff) / 0x800000;
  return values;
}

/** Standard normal float32 by Box-Muller on consecutive pairs of words, sine first (TensorFlow's BoxMullerFloat). */
export function normalValues(words: Uint32Array): Float32Array {
  const uniform = uniformValues(words);
  const values = new Float32Array(words.length);
  for (let i = 0; i + 1 < words.length; i += 2) {
    const u1 = Math.max(uniform[i] as number, Math.fround(1e-7));
    const angle = Math.fround(2 * Math.PI * (uniform[i + 1] as number));
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * Math.fround(Math.log(u1)))));
    values[i] = Math.fround(Math.sin(angle)) * radius;
    values[i + 1] = Math.fround(Math.cos(angle)) * radius;
  }
  return values;
}
