/**
 * Resources of a configuration before anything starts: sizes -> arithmetic, memory and disk by part -> step time from a short
 * trial -> hours, between the steps too, and energy; a sentence for whatever cannot fit.
 */

import { type DiTConfig, parameterCount, tokenCount } from '@ahpa/dit-core';
import { useBackend } from '@ahpa/engine';
import { readVae } from '@ahpa/image-features';
import type { Reporter } from '@ahpa/messages';
import { flatten } from '@ahpa/ops';
import type { FeatureGroup, Rng, Tree } from '@ahpa/ports';
import { SD_VAE_F8D4, type VaeConfig } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { openData } from '../data/kinds.ts';
import { loadAlignment } from '../models/alignment.ts';
import { alignmentSpec, resolveShapes } from '../models/shapes.ts';
import type { ClassTable } from '../sampling/choose-classes.ts';
import { diskCost, flopsPerStep, memoryParts, type Sizes } from './cost.ts';
import { interludes } from './interludes.ts';
import { readMachine } from './machine.ts';
import { unfit } from './plan-text.ts';
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

/** The resources of `config`, with a trial where it is asked for and can fit. */
export async function plan(config: TrainConfig, request: PlanRequest, reporter: Reporter): Promise<Plan> {
  const { data, vae } = await givens(config, request, reporter);
  const { network: model, shape, groups, source } = resolveShapes(config, vae, data);
  const alignment = await alignmentParameters(config, model, groups);
  const parameters = { transformer: parameterCount(model), alignment };
  const sizes: Sizes = { config, model, parameters, widths: groups.map(({ width }) => width) };
  const part = config.train.batch / config.train.accumulate;
  const memory = memoryParts(sizes, part);
  const known = {
    config,
    groups: Object.fromEntries(source.groups.map(({ name, taps }) => [name, taps])),
    tokens: tokenCount(model),
    parameters,
    flopsPerStep: flopsPerStep(sizes),
    memory,
    memoryBytes: sum(memory),
    disk: diskCost(sizes),
    interludes: interludes({ ...data, config, network: model, vae }),
    machine: await readMachine(request.runs),
  };
  const problem = unfit(known);
  if (!request.trial || problem !== undefined) {
    const seconds = request.gflops === undefined ? undefined : known.flopsPerStep / (request.gflops * 1e9);
    return { ...withTime(known, seconds, request), ...(problem !== undefined && { problem }) };
  }
  const batch = trialBatch(part, known.flopsPerStep / config.train.batch);
  reporter.say(`Trying ${batch} ${batch === 1 ? 'image' : 'images'} a step ...`);
  const trial = await tryOut({ config, shape, groups, batch });
  const { 'snapshot for saving': _, ...predicted } = memoryParts(sizes, batch);
  return {
    ...withTime(known, (trial.secondsPerStep * config.train.batch) / batch, request),
    trial: { ...trial, predictedBytes: sum(predicted) },
  };
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
  const between = plan.interludes.reduce((total, { flops }) => total + flops, 0);
  const hours = (seconds * (plan.config.train.steps + between / plan.flopsPerStep)) / 3600;
  return {
    ...plan,
    secondsPerStep: seconds,
    hours,
    kilowattHours: (hours * watts * plan.machine.cores) / 1000,
  };
}

/** Sizes and classes that data and VAE fix. */
interface Givens {
  readonly vae: VaeConfig;
  readonly data: ClassTable & { readonly size: number };
}

async function givens(config: TrainConfig, { assume }: PlanRequest, reporter: Reporter): Promise<Givens> {
  if (assume !== undefined) {
    const classes = Array.from({ length: 1000 }, (_, i) => String(i));
    return { vae: SD_VAE_F8D4, data: { size: ASSUMPTIONS[assume], classes } };
  }
  const { config: vae } = await readVae(config.vae, reporter);
  const data = await openData(config.data, reporter);
  await data.close();
  return { vae, data };
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
