/** Time grids of samplers with a fixed number of steps. */
import type { Path } from '@ahpa/ports';

// The stochastic sampler ends with one noiseless step from here.
const LAST_SDE_TIME = 0.04;

/**
 * The time at which sigma / alpha is `shift` times that at `t`: the log-SNR falls by 2 ln(shift). On the linear path
 * shift t / (1 + (shift - 1) t), the resolution shift of Stable Diffusion 3.
 */
export function shiftTime(path: Path, t: number, shift: number): number {
  if (shift === 1 || t === 0 || t === 1) return t;
  if (path === 'linear') return (shift * t) / (1 + (shift - 1) * t);
  return (2 / Math.PI) * Math.atan(shift * Math.tan((Math.PI / 2) * t));
}

/**
 * `count` times from 1 to `end`, evenly apart, to the bit those of torch.linspace in float64: counted from the nearer end, with one
 * rounding for product and sum.
 */
function even(count: number, end: number): number[] {
  if (count === 1) return [1];
  const step = (end - 1) / (count - 1);
  const half = Math.floor(count / 2);
  return Array.from({ length: count }, (_, i) =>
    i < half ? multiplyAdd(step, i, 1) : multiplyAdd(-step, count - 1 - i, end),
  );
}

const SPLITTER = 2 ** 27 + 1;

/** a b + c, rounded once (Dekker's product, Knuth's sum). */
function multiplyAdd(a: number, b: number, c: number): number {
  const [aHigh, bHigh] = [highBits(a), highBits(b)];
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  const product = a * b;
  const productError = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  const sum = product + c;
  const added = sum - product;
  const sumError = product - (sum - added) + (c - added);
  return sum + (sumError + productError);
}

/** The upper half of a number's 53 bits (Veltkamp). */
function highBits(x: number): number {
  const scaled = SPLITTER * x;
  return scaled - (scaled - x);
}

/** Time grid of a sampler, from 1 down to 0: steps + 1 numbers. REPA's for a shift of 1. */
export function sampleTimes(
  sampler: 'euler' | 'heun' | 'sde',
  steps: number,
  shift = 1,
  path: Path = 'linear',
): readonly number[] {
  const times = sampler === 'sde' ? [...even(steps, LAST_SDE_TIME), 0] : even(steps + 1, 0);
  return times.map((t) => shiftTime(path, t, shift));
}
