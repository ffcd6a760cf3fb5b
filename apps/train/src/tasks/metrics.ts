/**
 * Metrics of a run while it trains: images of a fixed seed and labels against the training images, by the same code as
 * `ahpa evaluate`. Cards and the reference's statistics lie in the run's folder.
 */

import { existsSync } from 'node:fs';
import { writeDurably } from '@ahpa/checkpoint';
import type { DrawingCard, EvaluationCard } from '@ahpa/evaluation';
import { activeAlgebra, evaluateSamples, factorReference, openFeatureNetwork } from '@ahpa/evaluation/node';
import { once, readVae } from '@ahpa/image-features';
import type { Task } from '@ahpa/trainer';
import { averageNames } from '../config/averages.ts';
import { drawnPixels, evaluations } from '../evaluation/drawn-pixels.ts';
import { fingerprint } from '../models/fingerprint.ts';
import { cardPath } from '../records/folder.ts';
import { trainedClasses } from '../sampling/choose-classes.ts';
import type { TaskContext } from './context.ts';
import { networkChoice, trainingReference } from './training-reference.ts';

/** Evaluates the averaged weights every `evaluate.every` steps and at the end, and keeps the card of each time. */
export function metrics(context: TaskContext): Task[] {
  const { folder, meta, recorder, reporter } = context;
  const { every } = meta.config.evaluate;
  if (every === 0) return [];
  const vae = once(async () => fingerprint((await readVae(meta.config.vae)).tensors));
  const evaluateAt = async (step: number): Promise<void> => {
    if (existsSync(cardPath(folder, step))) return;
    recorder.pause();
    const { figures } = await evaluateStep(context, step, await vae());
    const [[name, { value }]] = Object.entries(figures) as [[string, { value: number }]];
    reporter.say(`step ${step}: ${name} ${value.toPrecision(5)}`);
  };
  return [{ every, atEnd: 'complete', run: evaluateAt }];
}

/** Evaluates the averaged weights as they are now, decoded by the VAE of hash `vae`, and keeps the card; resolves to it. */
async function evaluateStep(context: TaskContext, step: number, vae: string): Promise<EvaluationCard> {
  const { folder, sampler, engine, reporter, signal } = context;
  const { config } = context.meta;
  const network = await openFeatureNetwork(networkChoice(config), engine, reporter);
  try {
    const algebra = await activeAlgebra();
    const stretch = context.stretchAt(step);
    const known = await trainingReference({ ...context, ...context.meta, stretch }, network, algebra);
    const reference = await stretch('Factoring the reference', () => factorReference(known, algebra));
    const drawing = drawingCard(context, step, vae);
    const { images: n, every } = config.evaluate;
    const drawn = trainedClasses(context.meta);
    const label = (index: number): number => drawn[index % drawn.length] as number;
    const request = { n, seed: config.train.seed, label, signal, stretch };
    const source = drawnPixels(`${folder.root} at step ${step}`, sampler, request);
    const command = `ahpa train, evaluate.every ${every}`;
    const evaluator = { network, reference, algebra };
    const { card } = await evaluateSamples({ source, drawing }, evaluator, { command, stretch }, reporter);
    await writeDurably(cardPath(folder, step), [Buffer.from(`${JSON.stringify(card, null, 2)}\n`)]);
    return card;
  } finally {
    network.dispose();
  }
}

/** The part of a card about the drawing of a step's images: weights, sampler, seed and labels. */
function drawingCard(
  { folder, meta: { config }, sampler }: TaskContext,
  step: number,
  vae: string,
): DrawingCard {
  return {
    model: folder.root,
    step,
    sample: sampler.config,
    nfe: evaluations(sampler.config),
    ema: averageNames(config.ema)[0] as string,
    vae,
    seed: config.train.seed,
    labels: 'balanced',
  };
}
