/**
 * Resources of a configuration before anything starts: sizes -> arithmetic, memory and disk by part -> step time from a short
 * trial -> hours and energy; a sentence for whatever cannot fit.
 */

import { type DiTConfig, parameterCount, tokenCount } from '@ahpa/dit-core';
import { useBackend } from '@ahpa/engine';
import { readVae } from '@ahpa/image-features';
import { type Reporter, userError } from '@ahpa/messages';
import { flatten } from '@ahpa/ops';
import type { FeatureGroup, Rng, Tree } from '@ahpa/ports';
import { SD_VAE_F8D4, type VaeConfig } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { openData } from '../data/kinds.ts';
import { loadAlignment } from '../models/alignment.ts';
import { alignmentSpec, resolveShapes, type Shapes } from '../models/shapes.ts';
import { diskCost, flopsPerStep, memoryParts, type Sizes } from './cost.ts';
import { readMachine } from './machine.ts';
import { planText, unfit } from './plan-text.ts';
import { tryOut } from './trial.ts';
import type { Plan } from './types.ts';

/** A plan's options on the command line. */
export interface PlanRequest {
  /** Folder of the runs; its disk is checked. */
  readonly runs: string;
  /** Whether to take a few steps. */
  readonly trial: boolean;
  /** Sizes to assume in place of data and VAE, which need not be there. */
  readonly assume?: Assumption;
  /** Watts that each core is taken to draw. */
  readonly watts: number;
  /** Speed to assume where there is no trial, in 10^9 floating-point operations a second. */
  readonly gflops?: number;
}

const ASSUMPTIONS = { 'imagenet-256': 256, 'imagenet-512': 512 } as const;

/** Name of an assumption: ImageNet at a side in pixels, and Stable Diffusion's VAE. */
export type Assumption = keyof typeof ASSUMPTIONS;

/** Images of a trial's step at least, and the arithmetic up to which it may have more: a few seconds' work on a small machine. */
const TRIAL_IMAGES = 4;
const TRIAL_FLOPS = 5e11;

/** Reports and resolves to the resources of `config`. Where it cannot fit: throws after a trial, warns without one. */
export async function plan(config: TrainConfig, request: PlanRequest, reporter: Reporter): Promise<Plan> {
  const setting = await resolveSetting(config, request, reporter);
  const { network: model, shape, groups, source } = setting;
  const alignment = await alignmentParameters(config, model, groups);
  const parameters = { transformer: parameterCount(model), alignment };
  const sizes: Sizes = { config, model, parameters, widths: groups.map(({ width }) => width) };
  const part = config.train.batch / config.train.accumulate;
  const memory = memoryParts(sizes, part);
  const machine = await readMachine(request.runs);
  const known = {
    config,
    groups: Object.fromEntries(source.groups.map(({ name, taps }) => [name, taps])),
    tokens: tokenCount(model),
    parameters,
    flopsPerStep: flopsPerStep(sizes),
    memory,
    memoryBytes: sum(memory),
    disk: diskCost(sizes),
    machine,
  };
  const problem = unfit(known);
  if (!request.trial || problem !== undefined) {
    const seconds = request.gflops === undefined ? undefined : known.flopsPerStep / (request.gflops * 1e9);
    const result = withTime(known, seconds, request);
    reporter.say(planText(result, request.watts));
    if (problem === undefined) return result;
    if (request.trial) throw userError(problem);
    reporter.warn(problem);
    return result;
  }
  const batch = trialBatch(part, known.flopsPerStep / config.train.batch);
  reporter.say(`Trying ${batch} ${batch === 1 ? 'image' : 'images'} a step ...`);
  const trial = await tryOut({ config, shape, groups, batch });
  const { 'snapshot for saving': _, ...predicted } = memoryParts(sizes, batch);
  const result = {
    ...withTime(known, (trial.secondsPerStep * config.train.batch) / batch, request),
    trial: { ...trial, predictedBytes: sum(predicted) },
  };
  reporter.say(planText(result, request.watts));
  return result;
}

/** Images of a trial's step: all that are computed together where that is quick, since a step of fewer takes more for each. */
export const trialBatch = (part: number, flopsPerImage: number): number =>
  Math.min(part, Math.max(TRIAL_IMAGES, Math.floor(TRIAL_FLOPS / flopsPerImage)));

const sum = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((total, bytes) => total + bytes, 0);

function withTime(
  plan: Omit<Plan, 'secondsPerStep' | 'hours' | 'kilowattHours'>,
  seconds: number | undefined,
  { watts }: PlanRequest,
): Plan {
  if (seconds === undefined) return plan;
  const hours = (seconds * plan.config.train.steps) / 3600;
  return {
    ...plan,
    secondsPerStep: seconds,
    hours,
    kilowattHours: (hours * watts * plan.machine.cores) / 1000,
  };
}

/** The sizes that data and VAE fix. */
async function resolveSetting(
  config: TrainConfig,
  request: PlanRequest,
  reporter: Reporter,
): Promise<Shapes> {
  const { vae, ...data } = await givens(config, request, reporter);
  return resolveShapes(config, vae, data);
}

async function givens(
  config: TrainConfig,
  { assume }: PlanRequest,
  reporter: Reporter,
): Promise<{ vae: VaeConfig; size: number; classes: readonly string[] }> {
  if (assume !== undefined) {
    const classes = Array.from({ length: 1000 }, (_, i) => String(i));
    return { vae: SD_VAE_F8D4, size: ASSUMPTIONS[assume], classes };
  }
  const { config: vae } = await readVae(config.vae, reporter);
  const data = await openData(config.data, reporter);
  await data.close();
  return { vae, size: data.size, classes: data.classes };
}

/** Trained parameters of the alignment, counted on heads of zeros. */
async function alignmentParameters(
  config: TrainConfig,
  model: DiTConfig,
  groups: readonly FeatureGroup[],
): Promise<number> {
  await useBackend('cpu');
  const { alignment } = await loadAlignment(config.alignment, alignmentSpec(config, model, groups));
  const zeros: Rng = {
    normal: (shape) => tf.zeros([...shape]),
    uniform: (shape) => tf.zeros([...shape]),
  };
  const heads: Tree = alignment.init(zeros);
  const leaves = flatten(heads);
  tf.dispose(leaves);
  return leaves.reduce((total, leaf) => total + leaf.size, 0);
}
