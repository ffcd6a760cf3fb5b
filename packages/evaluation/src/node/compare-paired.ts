/** Paired test of two sets of samples from the same noise. */
import { type Reporter, silent, userError } from '@ahpa/messages';
import { type PairedTest, pairedTest } from '../bootstrap.ts';
import type { Evaluator, Samples } from './evaluate-samples.ts';
import { type NetworkFeatures, networkFeatures } from './network-features.ts';

/**
 * Paired test of samples, whose `features` `evaluateSamples` returned, against `other` samples, by `repeats` resamples.
 * @throws where seed or labels of the two differ.
 */
export async function comparePaired(
  { source, drawing, features }: Samples & { readonly features: NetworkFeatures },
  other: Samples,
  { network, reference, algebra }: Evaluator,
  repeats: number,
  reporter: Reporter = silent,
): Promise<PairedTest> {
  const differing = (['seed', 'labels'] as const).filter(
    (key) => drawing && other.drawing && drawing[key] !== other.drawing[key],
  );
  if (differing.length > 0)
    throw userError(
      `The paired test needs images from the same noise, and ${differing.join(' and ')} differ between ${source.path} and ${other.source.path}.`,
    );
  const { pooled } = await networkFeatures(network, other.source, algebra, reporter);
  return pairedTest(reference.whole, features.pooled, pooled, algebra, { repeats });
}
