/** Evaluation of samples: features -> metrics -> card. */
import { type Reporter, type Stretch, silent, unwatched } from '@ahpa/messages';
import type { LinearAlgebra } from '../algebra.ts';
import type { DrawingCard, EvaluationCard } from '../card.ts';
import { computeMetrics, type FactoredReference, type MetricOptions, warnOfFew } from './metrics.ts';
import { type NetworkFeatures, networkFeatures } from './network-features.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import type { PixelSource } from './pixels.ts';

/** Samples, and how they were drawn; null where unknown. */
export interface Samples {
  readonly source: PixelSource;
  readonly drawing: DrawingCard | null;
}

/** A network and a reference, ready for any number of samples. */
export interface Evaluator {
  readonly network: OpenFeatureNetwork;
  readonly reference: FactoredReference;
  readonly algebra: LinearAlgebra;
}

/** Options of `evaluateSamples`. */
export interface EvaluateOptions extends MetricOptions {
  /** The command line, for the card. */
  readonly command: string;
  /** Announces batches of the network and the linear algebra. */
  readonly stretch?: Stretch;
}

/** Card and features of samples, whose source stays open. */
export async function evaluateSamples(
  { source, drawing }: Samples,
  { network, reference, algebra }: Evaluator,
  options: EvaluateOptions,
  reporter: Reporter = silent,
): Promise<{ readonly card: EvaluationCard; readonly features: NetworkFeatures }> {
  const { stretch = unwatched } = options;
  const features = await networkFeatures(network, source, algebra, reporter, { stretch });
  warnOfFew(features, network, reporter);
  const card: EvaluationCard = {
    version: 1,
    figures: await stretch('Computing the metrics', () =>
      computeMetrics(features, reference, network, algebra, options),
    ),
    n: features.n,
    samples: source.path,
    ...(source.decoding && { decoding: source.decoding() }),
    reference: { name: reference.path, sha256: reference.sha256, n: reference.n },
    network: { name: network.name, sha256: network.sha256 },
    drawing,
    date: new Date().toISOString(),
    command: options.command,
  };
  return { card, features };
}
