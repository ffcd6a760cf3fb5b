/** All metrics of samples against a reference. */
import type { Reporter } from '@ahpa/messages';
import type { LinearAlgebra } from '../algebra.ts';
import { bootstrapDistance } from '../bootstrap.ts';
import { inceptionScoreName, type Metric, metricName } from '../card.ts';
import { extrapolatedDistance } from '../fd-infinity.ts';
import { frechetDistance, type Reference, referenceOf } from '../frechet.ts';
import { inceptionScore } from '../inception-score.ts';
import { kernelDistance } from '../kid.ts';
import { precisionRecall } from '../precision-recall.ts';
import type { NetworkFeatures } from './network-features.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import type { ReferenceSet } from './reference-file.ts';

/** Metrics beyond the default ones. */
export interface MetricOptions {
  /** Kernel Inception Distance. */
  readonly kid?: boolean;
  /** Frechet distance extrapolated to infinitely many images. */
  readonly infinity?: boolean;
  /** Resamples for the interval of the Frechet distance, default 0: no interval. */
  readonly bootstrap?: number;
}

/** A reference with its covariances factored. */
export interface FactoredReference extends ReferenceSet {
  readonly whole: Reference;
  readonly places: Reference | undefined;
}

/** Factors the covariances of a reference, which takes seconds at 2,048 dimensions, once for many samples. */
export const factorReference = (reference: ReferenceSet, algebra: LinearAlgebra): FactoredReference => ({
  ...reference,
  whole: referenceOf(reference.gaussian, algebra),
  places: reference.spatial && referenceOf(reference.spatial, algebra),
});

/** Warns where there are no more images than dimensions, so that the covariance is singular. */
export function warnOfFew(
  { n, pooled: { columns } }: NetworkFeatures,
  { prefix }: OpenFeatureNetwork,
  reporter: Reporter,
): void {
  if (n > columns) return;
  reporter.warn(
    `${n} images are no more than the ${columns} dimensions of the features: their covariance is singular and ${metricName('fd', prefix, n)} comes out too large, by more the fewer there are. Take several times as many, or read ${metricName('fd-infinity', prefix, n)} (--infinity) or ${metricName('kid', prefix, n)} (--kid).`,
  );
}

/** Metrics by name, in the order in which they are shown. */
export async function computeMetrics(
  measured: NetworkFeatures,
  reference: FactoredReference,
  { prefix }: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  { kid = false, infinity = false, bootstrap = 0 }: MetricOptions = {},
): Promise<Record<string, Metric>> {
  const { n, pooled, logits, gaussian, spatial } = measured;
  const { features, whole, places } = reference;
  const metrics: Record<string, Metric> = {};
  const add = (kind: string, metric: Metric): void => {
    metrics[metricName(kind, prefix, n)] = metric;
  };
  const distance = frechetDistance(whole, gaussian, algebra);
  if (bootstrap > 0) {
    const { low, high } = bootstrapDistance(whole, pooled, algebra, { repeats: bootstrap });
    add('fd', { value: distance, interval: [low, high] });
  } else add('fd', { value: distance });
  if (places) add('sfd', { value: frechetDistance(places, spatial, algebra) });
  const { value, deviation, splits, splitSize } = inceptionScore(logits);
  metrics[inceptionScoreName(prefix, n, splits)] = {
    value,
    ...(splits > 1 && { deviation }),
    splits,
    splitSize,
  };
  if (features && Math.min(features.rows, n) > 3) {
    const { precision, recall } = await precisionRecall(features, pooled);
    add('precision', { value: precision });
    add('recall', { value: recall });
  }
  if (kid && features) {
    const { value, deviation } = kernelDistance(pooled, features, algebra);
    add('kid', { value, deviation });
  }
  if (infinity) add('fd-infinity', { value: extrapolatedDistance(whole, pooled, algebra).value });
  return metrics;
}
