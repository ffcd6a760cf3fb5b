/** Metrics of generated images from the features of a network. */
export { type FeatureMatrix, type LinearAlgebra, type Matrix, portableAlgebra } from './algebra.ts';
export {
  type BootstrapOptions,
  bootstrapDistance,
  type Interval,
  type PairedTest,
  pairedTest,
} from './bootstrap.ts';
export {
  type DecodingCard,
  type DrawingCard,
  differencesOf,
  type EvaluationCard,
  type HashedSource,
  inceptionScoreName,
  type Metric,
  metricName,
} from './card.ts';
export { type ExtrapolatedDistance, extrapolatedDistance } from './fd-infinity.ts';
export { checkFeatures, pickRows, sliceRows } from './features.ts';
export { frechetDistance, type Reference, referenceOf } from './frechet.ts';
export { type InceptionScore, inceptionScore } from './inception-score.ts';
export { type KernelDistance, type KidOptions, kernelDistance, squaredMmd } from './kid.ts';
export { inception } from './networks/inception.ts';
export { loadInception } from './networks/inception-load.ts';
export type { FeatureNetwork, ImageFeatures, NetworkParams } from './networks/network.ts';
export {
  loadSqueezeNet,
  SQUEEZENET_SHAPES,
  type SqueezeNetWeights,
  squeezeNet,
  squeezeNetMaps,
  squeezeNetTokens,
} from './networks/squeezenet.ts';
export { neighbourDistances, type PrecisionRecall, precisionRecall } from './precision-recall.ts';
export { type Draw, resamples, subsets } from './random.ts';
export {
  addFeatures,
  emptyStatistics,
  type Gaussian,
  gaussianOf,
  mergeStatistics,
  type Statistics,
} from './statistics.ts';
