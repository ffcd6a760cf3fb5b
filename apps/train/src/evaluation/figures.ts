/** All figures of some samples against a reference. */
import {
  bootstrapDistance,
  extrapolatedDistance,
  type Figure,
  figureName,
  frechetDistance,
  inceptionScore,
  kernelDistance,
  type LinearAlgebra,
  precisionRecall,
  type Reference,
  referenceOf,
} from '@ahpa/evaluation';
import type { Reporter } from '@ahpa/messages';
import type { Extracted } from './extract.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import type { ReferenceSet } from './reference-file.ts';

/** Which figures beyond the usual ones. */
export interface FigureOptions {
  readonly kid?: boolean;
  readonly infinity?: boolean;
  /** Resamples for the interval of the Frechet distance. */
  readonly bootstrap?: number;
}

/** A reference with its covariances factored. */
export interface FactoredReference extends ReferenceSet {
  readonly whole: Reference;
  readonly places: Reference;
}

/** Factors the covariances of a reference, which takes seconds at 2,048 dimensions, once for many samples. */
export const factorReference = (reference: ReferenceSet, algebra: LinearAlgebra): FactoredReference => ({
  ...reference,
  whole: referenceOf(reference.gaussian, algebra),
  places: referenceOf(reference.spatial, algebra),
});

/** Below this many images for each dimension the covariance is singular. */
export function warnOfFew(
  { n, pooled: { columns } }: Extracted,
  { prefix }: OpenFeatureNetwork,
  reporter: Reporter,
): void {
  if (n > columns) return;
  reporter.warn(
    `${n} images are no more than the ${columns} dimensions of the features: their covariance is singular and ${figureName('fd', prefix, n)} comes out too large, by more the fewer there are. Take several times as many, or read ${figureName('fd-infinity', prefix, n)} (--infinity) or ${figureName('kid', prefix, n)} (--kid).`,
  );
}

/** The figures by name, in the order in which they are shown. */
export async function figuresOf(
  extracted: Extracted,
  reference: FactoredReference,
  { prefix }: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  { kid = false, infinity = false, bootstrap = 0 }: FigureOptions = {},
): Promise<Record<string, Figure>> {
  const { n, pooled, logits, gaussian, spatial } = extracted;
  const { features, whole, places } = reference;
  const figures: Record<string, Figure> = {};
  const add = (kind: string, figure: Figure): void => {
    figures[figureName(kind, prefix, n)] = figure;
  };
  const distance = frechetDistance(whole, gaussian, algebra);
  if (bootstrap > 0) {
    const { low, high } = bootstrapDistance(whole, pooled, algebra, { repeats: bootstrap });
    add('fd', { value: distance, interval: [low, high] });
  } else add('fd', { value: distance });
  add('sfd', { value: frechetDistance(places, spatial, algebra) });
  if (n >= 10) {
    const { value, deviation } = inceptionScore(logits);
    add('is', { value, deviation });
  }
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
  return figures;
}
