/**
 * Evaluates samples: network -> reference -> features of the samples -> metrics -> card.
 */

import { type BackendName, createEngine, type Engine } from '@ahpa/engine';
import type { EvaluationCard, PairedTest } from '@ahpa/evaluation';
import {
  activeAlgebra,
  comparePaired,
  type Evaluator,
  evaluateSamples,
  factorReference,
  type MetricOptions,
  type NetworkChoice,
  openFeatureNetwork,
  openReference,
  saveReference,
} from '@ahpa/evaluation/node';
import type { Reporter } from '@ahpa/messages';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { writeWhole } from '../files/write-whole.ts';
import { openSamples, type SamplesRequest } from './samples.ts';

/** Samples, reference, network and metrics of an evaluation. */
export interface EvaluateRequest extends SamplesRequest, NetworkChoice, MetricOptions {
  readonly ref: string;
  /** File that keeps the reference's statistics for later evaluations. */
  readonly saveRef?: string;
  /** Path of the card. */
  readonly card?: string;
  /** The command line, for the card. */
  readonly command: string;
}

/** A card, and the paired test where one was requested. */
export interface Evaluation {
  readonly card: EvaluationCard;
  readonly paired?: PairedTest & { readonly against: string };
}

/** The engine for frozen networks. */
export const evaluationEngine = (backend: BackendName = 'tensorflow'): Promise<Engine> =>
  createEngine({ backend, wideOperations: true });

/** Opens network and reference. */
async function openEvaluator(
  { ref, ...choice }: Pick<EvaluateRequest, 'ref'> & NetworkChoice,
  engine: Engine,
  reporter: Reporter,
): Promise<Evaluator> {
  const network = await openFeatureNetwork({ ...choice, cacheDir: defaultCacheDir() }, engine, reporter);
  const algebra = await activeAlgebra();
  const reference = await openReference(ref, network, algebra, reporter);
  return { network, algebra, reference: factorReference(reference, algebra) };
}

/** Evaluates the samples of a request and writes the card. */
export async function evaluate(request: EvaluateRequest, reporter: Reporter): Promise<Evaluation> {
  const evaluator = await openEvaluator(request, await evaluationEngine(request.backend), reporter);
  if (request.saveRef) await saveReference(request.saveRef, evaluator.reference, evaluator.network);
  const samples = await openSamples(request, reporter);
  try {
    const { card, features } = await evaluateSamples(samples, evaluator, request, reporter);
    const { against } = request;
    const paired = against
      ? await compareWith(
          { ...request, against, n: features.n },
          { ...samples, features },
          evaluator,
          reporter,
        )
      : undefined;
    const evaluation = paired ? { card, paired } : { card };
    if (request.card) await writeWhole(request.card, `${JSON.stringify(evaluation.card, null, 2)}\n`);
    return evaluation;
  } finally {
    await samples.source.close();
    evaluator.network.dispose();
  }
}

async function compareWith(
  request: EvaluateRequest & { readonly against: string },
  own: Parameters<typeof comparePaired>[0],
  evaluator: Evaluator,
  reporter: Reporter,
): Promise<NonNullable<Evaluation['paired']>> {
  const other = await openSamples(
    { ...request, samples: request.against, against: request.samples },
    reporter,
  );
  try {
    const test = await comparePaired(own, other, evaluator, request.bootstrap || 200, reporter);
    return { ...test, against: other.source.path };
  } finally {
    await other.source.close();
  }
}
