/** Evaluation of files of images on Node: networks, pixels, references and cards. */
export { activeAlgebra } from './active-algebra.ts';
export { comparePaired } from './compare-paired.ts';
export { type EvaluateOptions, type Evaluator, evaluateSamples, type Samples } from './evaluate-samples.ts';
export { type FactoredReference, factorReference, type MetricOptions } from './metrics.ts';
export type { NetworkFeatures } from './network-features.ts';
export { obtainSqueezeNet, type SqueezeNetOptions, squeezeNetPath } from './obtain-squeezenet.ts';
export {
  type FeatureNetworkOptions,
  type NetworkChoice,
  openFeatureNetwork,
  squeezeNetParams,
} from './open-feature-network.ts';
export type { OpenFeatureNetwork } from './opened-network.ts';
export { hashPixels, openPixels, type PixelBlock, type PixelSource } from './pixels.ts';
export { readCard } from './read-card.ts';
export { measureReference, openReference } from './reference.ts';
export { type ReferenceSet, readReference, saveReference } from './reference-file.ts';
export { showCard, showPaired } from './show-card.ts';
