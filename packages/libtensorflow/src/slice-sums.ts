/** Sums for islands: XLA's reductions on a CPU add one element after the other, additions of slices are vectorised. */
import * as tf from '@tensorflow/tfjs-core';
import { setKernel } from './kernels.ts';

/** Slices that one pass adds; more make the compiled loop long. */
const MOST_SLICES = 8;
/** A row this short is left to XLA's own reduction, */
const SHORT_ROW = 32;
/** and an axis this long: its slices lie too far apart. */
const LONG_AXIS = 4096;

const divisors = (n: number): number[] =>
  Array.from({ length: Math.min(n, MOST_SLICES) - 1 }, (_, i) => i + 2).filter((k) => n % k === 0);

/** Number of slices of `length`: just enough for short rows in the last axis, many elsewhere; undefined where none divides it. */
function sliceCount(length: number, last: boolean): number | undefined {
  if ((last && length <= SHORT_ROW) || length > LONG_AXIS) return undefined;
  const counts = divisors(length);
  return (last ? counts.find((k) => length / k <= SHORT_ROW) : undefined) ?? counts.at(-1);
}

/** x [..., n, ...] -> the sum of its k slices along `axis`, [..., n / k, ...]. */
function addSlices(x: tf.Tensor, axis: number, k: number): tf.Tensor {
  return tf.split(x, k, axis).reduce((sum, slice) => tf.add(sum, slice));
}

/** The sum of `x` over `axis`, kept with length 1; `reduce` finishes what slices do not divide. */
function sumOver(x: tf.Tensor, axis: number, reduce: (x: tf.Tensor, axis: number) => tf.Tensor): tf.Tensor {
  const length = x.shape[axis] as number;
  if (length === 1) return x;
  const k = sliceCount(length, axis === x.rank - 1);
  return k === undefined ? reduce(x, axis) : sumOver(addSlices(x, axis, k), axis, reduce);
}

interface ReductionArguments {
  readonly inputs: { readonly x: tf.Tensor };
  readonly attrs: { readonly axis: number | number[]; readonly keepDims: boolean };
  readonly backend: unknown;
}
type Kernel = (args: ReductionArguments) => tf.Tensor;

/**
 * `sum`, or a mean from it, made of slices where they divide an axis; `own` is the backend's kernel of the same name. `reduced` holds
 * its results, which are not sliced again: each slice would recompute the inner sum.
 */
const sliced =
  (own: Kernel, sum: Kernel, isMean: boolean, reduced: WeakSet<object>): Kernel =>
  (given) => {
    const { inputs, attrs, backend } = given;
    const { x } = inputs;
    const axes = tf.util.parseAxisParam(attrs.axis, x.shape);
    const divides = (axis: number): boolean =>
      sliceCount(x.shape[axis] as number, axis === x.rank - 1) !== undefined;
    if (reduced.has(x.dataId) || !axes.some(divides)) {
      const result = own(given);
      reduced.add(result.dataId);
      return result;
    }
    const reduce = (y: tf.Tensor, axis: number): tf.Tensor =>
      sum({ inputs: { x: y }, attrs: { axis: [axis], keepDims: true }, backend });
    const kept = axes.reduce((y, axis) => sumOver(y, axis, reduce), x);
    const total = isMean ? tf.mul(kept, kept.size / x.size) : kept;
    const shape = x.shape.filter((_, axis) => !axes.includes(axis));
    return attrs.keepDims ? total : tf.reshape(total, shape);
  };

const getKernelFunction = (name: string): Kernel =>
  tf.getKernel(name, 'tensorflow')?.kernelFunc as unknown as Kernel;

/** Runs `fn` with the kernels `Sum` and `Mean` of the backend `tensorflow` made of slices. */
export function withSliceSums<T>(fn: () => T): T {
  const [sum, mean] = [getKernelFunction('Sum'), getKernelFunction('Mean')];
  const reduced = new WeakSet<object>();
  setKernel('Sum', sliced(sum, sum, false, reduced));
  setKernel('Mean', sliced(mean, sum, true, reduced));
  try {
    return fn();
  } finally {
    setKernel('Sum', sum);
    setKernel('Mean', mean);
  }
}
