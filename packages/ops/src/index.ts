/** Shared numerics of the model packages, on TensorFlow.js. */
export { type Activation, activate, SILU, silu } from './activation.ts';
export { binByTime, sumMetrics, TIME_BINS, timeBins } from './bins.ts';
export { convolution } from './convolution.ts';
export { checkpoint, differentiable, stopGradient } from './differentiable.ts';
export {
  fuse,
  hasKernel,
  type Kernels,
  multiplyNoNan,
  orderAfter,
  runKernel,
  sumOfSquares,
} from './kernels.ts';
export { inLanes, joinLanes, LANES, laneCount, splitLanes } from './lanes.ts';
export { activatedProduct, addBias, linear, product } from './linear.ts';
export { ordered } from './order.ts';
export { patchify, unpatchify } from './patch.ts';
export { philoxWords, streamKey } from './philox.ts';
export { log1p, oneHot } from './portable.ts';
export { philox } from './rng.ts';
export { entropy, marginals, shares } from './shares.ts';
export { disposeTree, flatten, mapTree, paths, tidyTree, unflatten } from './tree.ts';
