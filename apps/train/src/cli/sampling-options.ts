/** The options of commands that draw with a trained model. */

import { SAMPLERS } from '@ahpa/dit-core';
import type { BackendName } from '@ahpa/engine';
import { userError } from '@ahpa/messages';
import { type Command, Option } from 'commander';
import type { TrainConfig } from '../config/types.ts';
import { backendOption } from './config-options.ts';
import { count, integer, interval, nonNegative, positive, seed } from './numbers.ts';

type Sample = TrainConfig['sample'];

/** Their values. */
export interface SamplingOptions {
  readonly run?: string;
  readonly model?: string;
  readonly runs: string;
  readonly ema?: string;
  readonly at?: number;
  readonly vae?: string;
  readonly sampler?: Sample['sampler'];
  readonly steps?: number;
  readonly cfg?: number;
  readonly interval?: Sample['guidanceInterval'];
  readonly channels?: number;
  readonly weak?: string;
  readonly shift?: number;
  readonly rtol?: number;
  readonly atol?: number;
  readonly seed: number;
  readonly backend?: BackendName;
}

/** Adds the options that name a model. */
export function withModel(command: Command): Command {
  return withRuns(
    command
      .option('--run <run>', 'name of a run, or path of a run or checkpoint')
      .option('--model <folder>', 'exported folder or hf:org/name, in place of --run'),
  );
}

/** Adds the folder of the runs, and the step and the weights of a run. */
export function withRuns(command: Command): Command {
  return withStep(command).option(
    '--ema <weights>',
    'average of the weights, or model for the trained ones (default: the first average)',
  );
}

/** Adds the folder of the runs, and the step of a run. */
export function withStep(command: Command): Command {
  return command
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .option('--at <step>', 'step of the checkpoint of a run (default: the newest)', integer);
}

/** Adds the options of the sampler and the backend. */
export function withSampler(command: Command): Command {
  return command
    .option('--vae <folder>', 'VAE that decodes, or hf:org/name (default: the one of the run)')
    .addOption(new Option('--sampler <name>', 'sampler (default: as configured)').choices(SAMPLERS))
    .option('--steps <count>', 'sampler steps (default: as configured)', count)
    .option('--cfg <weight>', 'guidance weight, 1 is none (default: as configured)', nonNegative)
    .option('--interval <low,high>', 'times between which guidance acts (default: as configured)', interval)
    .option('--channels <count>', 'leading latent channels that are guided (default: as configured)', count)
    .option('--weak <model>', 'weaker model, a run or folder, to guide away from in place of the null class')
    .option(
      '--shift <factor>',
      'factor of the noise-to-signal ratio of the times (default: as configured)',
      positive,
    )
    .option('--rtol <error>', 'relative error of a dopri5 step (default: as configured)', positive)
    .option('--atol <error>', 'absolute error of a dopri5 step (default: as configured)', positive)
    .option('--seed <number>', 'seed of the noise', seed, 0)
    .addOption(backendOption());
}

/** The model that the command line names. */
export function namedModel({ run, model }: Pick<SamplingOptions, 'run' | 'model'>): string {
  const [name, other] = [run, model].filter((value) => value !== undefined);
  if (name === undefined) throw userError('No model was named: give --run NAME or --model FOLDER.');
  if (other !== undefined) throw userError('Both --run and --model were given: name one of them.');
  return name;
}

/** The numbers of the sampler that the command line gives. */
export function samplerOptions(options: SamplingOptions): Partial<Sample> {
  const { sampler, steps, cfg, interval: range, channels, shift, rtol, atol } = options;
  return {
    ...(sampler !== undefined && { sampler }),
    ...(steps !== undefined && { steps }),
    ...(cfg !== undefined && { guidance: cfg }),
    ...(range !== undefined && { guidanceInterval: range }),
    ...(channels !== undefined && { guidanceChannels: channels }),
    ...(shift !== undefined && { shift }),
    ...(rtol !== undefined && { rtol }),
    ...(atol !== undefined && { atol }),
  };
}
