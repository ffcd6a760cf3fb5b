/**
 * Evaluates samples: all of them opened -> network -> reference -> features of the samples -> metrics -> card.
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
  type Samples,
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

/** Samples of both sides of a request, opened before features of anything are computed. */
interface Opened {
  readonly samples: Samples;
  readonly against: Samples | undefined;
}

async function openAll(request: EvaluateRequest, reporter: Reporter): Promise<Opened> {
  const samples = await openSamples(request, reporter);
  const { against } = request;
  if (against === undefined) return { samples, against };
  const paired = { ...request, samples: against, against: request.samples, n: samples.source.n };
  return openSamples(paired, reporter).then(
    (other) => ({ samples, against: other }),
    async (error) => {
      await samples.source.close();
      throw error;
    },
  );
}

/** Evaluates the samples of a request and writes the card. */
export async function evaluate(request: EvaluateRequest, reporter: Reporter): Promise<Evaluation> {
  const engine = await evaluationEngine(request.backend);
  const opened = await openAll(request, reporter);
  try {
    const evaluator = await openEvaluator(request, engine, reporter);
    return await evaluateOpened(request, opened, evaluator, reporter).finally(evaluator.network.dispose);
  } finally {
    await opened.samples.source.close();
    await opened.against?.source.close();
  }
}

async function evaluateOpened(
  request: EvaluateRequest,
  { samples, against }: Opened,
  evaluator: Evaluator,
  reporter: Reporter,
): Promise<Evaluation> {
  if (request.saveRef) await saveReference(request.saveRef, evaluator.reference, evaluator.network);
  const { card, features } = await evaluateSamples(samples, evaluator, request, reporter);
  const compare = async (other: Samples): Promise<NonNullable<Evaluation['paired']>> => {
    const repeats = request.bootstrap || 200;
    const test = await comparePaired({ ...samples, features }, other, evaluator, repeats, reporter);
    return { ...test, against: other.source.path };
  };
  const evaluation = against ? { card, paired: await compare(against) } : { card };
  if (request.card) await writeWhole(request.card, `${JSON.stringify(card, null, 2)}\n`);
  return evaluation;
}
