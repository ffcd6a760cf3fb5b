/**
 * Evaluates samples: network -> reference -> features of the samples -> figures -> card.
 */

import { writeFile } from 'node:fs/promises';
import { type BackendName, createEngine, type Engine } from '@ahpa/engine';
import {
  type EvaluationCard,
  type LinearAlgebra,
  type PairedTest,
  pairedTest,
  portableAlgebra,
} from '@ahpa/evaluation';
import { type Reporter, userError } from '@ahpa/messages';
import { getBackend } from '@tensorflow/tfjs-core';
import { type Extracted, extract } from './extract.ts';
import {
  type FactoredReference,
  type FigureOptions,
  factorReference,
  figuresOf,
  warnOfFew,
} from './figures.ts';
import { type NetworkChoice, openFeatureNetwork } from './network.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import { openReference } from './reference.ts';
import { saveReference } from './reference-file.ts';
import { openSamples, type Samples, type SamplesRequest } from './samples.ts';

/** What to evaluate, against what, and how. */
export interface EvaluateRequest extends SamplesRequest, NetworkChoice, FigureOptions {
  readonly ref: string;
  /** Where the reference's statistics are kept for the next time. */
  readonly saveRef?: string;
  /** Samples of another run, from the same noise and labels, for a paired test. */
  readonly against?: string;
  /** Where the card goes. */
  readonly card?: string;
  /** The command line, for the card. */
  readonly command: string;
}

/** A card, and what the paired test found where one was asked for. */
export interface Evaluation {
  readonly card: EvaluationCard;
  readonly paired?: PairedTest & { readonly against: string };
}

/** What evaluates: a network and a reference, ready for any number of samples. */
export interface Evaluator {
  readonly network: OpenFeatureNetwork;
  readonly reference: FactoredReference;
  readonly algebra: LinearAlgebra;
}

/** The engine for frozen networks. */
export const evaluationEngine = (backend: BackendName = 'tensorflow'): Promise<Engine> =>
  createEngine({ backend, wideOperations: true });

/** Linear algebra of the active backend. */
export async function activeAlgebra(): Promise<LinearAlgebra> {
  if (getBackend() !== 'tensorflow') return portableAlgebra;
  return (await import('@ahpa/libtensorflow')).float64Algebra;
}

/** Opens network and reference. */
async function openEvaluator(
  { ref, ...choice }: Pick<EvaluateRequest, 'ref'> & NetworkChoice,
  engine: Engine,
  reporter: Reporter,
): Promise<Evaluator> {
  const network = await openFeatureNetwork(choice, engine, reporter.say);
  const algebra = await activeAlgebra();
  const reference = await openReference(ref, network, algebra, reporter);
  return { network, algebra, reference: factorReference(reference, algebra) };
}

/** The figures of samples and their card; the same call serves training and the command line. */
export async function evaluateSamples(
  { source, drawing }: Samples,
  { network, reference, algebra }: Evaluator,
  options: FigureOptions & { readonly command: string },
  reporter: Reporter,
): Promise<{ card: EvaluationCard; extracted: Extracted }> {
  const extracted = await extract(network, source, algebra, reporter);
  warnOfFew(extracted, network, reporter);
  const figures = await figuresOf(extracted, reference, network, algebra, options);
  const card: EvaluationCard = {
    version: 1,
    figures,
    n: extracted.n,
    samples: source.path,
    reference: { name: reference.path, sha256: reference.sha256, n: reference.n },
    network: { name: network.name, sha256: network.sha256 },
    drawing,
    date: new Date().toISOString(),
    command: options.command,
  };
  return { card, extracted };
}

async function comparePaired(
  request: EvaluateRequest & { readonly against: string },
  own: Samples,
  extracted: Extracted,
  { network, reference, algebra }: Evaluator,
  reporter: Reporter,
): Promise<NonNullable<Evaluation['paired']>> {
  const other = await openSamples({ ...request, samples: request.against, n: extracted.n }, reporter);
  try {
    const differing = (['seed', 'labels'] as const).filter(
      (key) => own.drawing && other.drawing && own.drawing[key] !== other.drawing[key],
    );
    if (differing.length > 0)
      throw userError(
        `The paired test needs images from the same noise, and ${differing.join(' and ')} differ between ${own.source.path} and ${other.source.path}.`,
      );
    const features = await extract(network, other.source, algebra, reporter);
    const test = pairedTest(reference.whole, extracted.pooled, features.pooled, algebra, {
      repeats: request.bootstrap || 200,
    });
    return { ...test, against: other.source.path };
  } finally {
    await other.source.close();
  }
}

/** Evaluates what a command line names and keeps the card. */
export async function evaluate(request: EvaluateRequest, reporter: Reporter): Promise<Evaluation> {
  const evaluator = await openEvaluator(request, await evaluationEngine(request.backend), reporter);
  if (request.saveRef) await saveReference(request.saveRef, evaluator.reference, evaluator.network);
  const samples = await openSamples(request, reporter);
  try {
    const { card, extracted } = await evaluateSamples(samples, evaluator, request, reporter);
    const { against } = request;
    const paired = against
      ? await comparePaired({ ...request, against }, samples, extracted, evaluator, reporter)
      : undefined;
    const evaluation = paired ? { card, paired } : { card };
    if (request.card) await writeFile(request.card, `${JSON.stringify(evaluation.card, null, 2)}\n`);
    return evaluation;
  } finally {
    await samples.source.close();
    evaluator.network.dispose();
  }
}
