/**
 * Metrics of a run while it trains: images of a fixed seed and labels against the training images, by the same code as
 * `ahpa evaluate`. Cards and the reference's statistics lie in the run's folder.
 */

import { existsSync } from 'node:fs';
import { writeDurably } from '@ahpa/checkpoint';
import type { DrawingCard, EvaluationCard } from '@ahpa/evaluation';
import { activeAlgebra, evaluateSamples, factorReference, openFeatureNetwork } from '@ahpa/evaluation/node';
import { readVae } from '@ahpa/image-features';
import type { Task } from '@ahpa/trainer';
import { averageName, averages } from '../config/averages.ts';
import { drawnPixels, evaluations } from '../evaluation/drawn-pixels.ts';
import { fingerprint } from '../models/fingerprint.ts';
import { cardPath } from '../records/folder.ts';
import type { TaskContext } from './context.ts';
import { networkChoice, trainingReference } from './training-reference.ts';

/** Evaluates the averaged weights every `evaluate.every` steps and at the end, and keeps the card of each time. */
export function metrics(context: TaskContext): Task[] {
  const { folder, meta, recorder, reporter } = context;
  const { every } = meta.config.evaluate;
  if (every === 0) return [];
  const evaluateAt = async (step: number): Promise<void> => {
    if (existsSync(cardPath(folder, step))) return;
    recorder.pause();
    const { figures } = await evaluateStep(context, step);
    const [[name, { value }]] = Object.entries(figures) as [[string, { value: number }]];
    reporter.say(`step ${step}: ${name} ${value.toPrecision(5)}`);
  };
  return [{ every, atEnd: 'complete', run: evaluateAt }];
}

/** Evaluates the averaged weights as they are now and keeps the card; resolves to it. */
async function evaluateStep(context: TaskContext, step: number): Promise<EvaluationCard> {
  const { folder, sampler, engine, reporter, signal } = context;
  const { config, classes } = context.meta;
  const network = await openFeatureNetwork(networkChoice(config), engine, reporter);
  try {
    const algebra = await activeAlgebra();
    const run = { ...context, ...context.meta };
    const reference = factorReference(await trainingReference(run, network, algebra), algebra);
    const drawing = await drawingCard(context, step);
    const { images: n, every } = config.evaluate;
    const label = (index: number): number => index % classes.length;
    const request = { n, seed: config.train.seed, label, signal };
    const source = drawnPixels(`${folder.root} at step ${step}`, sampler, request);
    const command = `ahpa train, evaluate.every ${every}`;
    const evaluator = { network, reference, algebra };
    const { card } = await evaluateSamples({ source, drawing }, evaluator, { command }, reporter);
    await writeDurably(cardPath(folder, step), [Buffer.from(`${JSON.stringify(card, null, 2)}\n`)]);
    return card;
  } finally {
    network.dispose();
  }
}

/** The part of a card about the drawing of a step's images: weights, sampler, seed and labels. */
async function drawingCard(
  { folder, meta: { config }, sampler }: TaskContext,
  step: number,
): Promise<DrawingCard> {
  return {
    model: folder.root,
    step,
    sample: sampler.config,
    nfe: evaluations(sampler.config),
    ema: averageName(averages(config.ema)[0] as never),
    vae: fingerprint((await readVae(config.vae)).tensors),
    seed: config.train.seed,
    labels: 'balanced',
  };
}
