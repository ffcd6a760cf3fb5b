/** `ahpa train`: trains, or continues, a run. */
import { basename, join } from 'node:path';
import { userError } from '@ahpa/messages';
import { Command } from 'commander';
import { CONFIG_FILE } from '../config/read-file.ts';
import type { TrainConfig } from '../config/types.ts';
import { WATTS_PER_CORE } from '../plan/machine.ts';
import { runFolder } from '../records/folder.ts';
import { listenForInterrupt } from '../run/interrupt.ts';
import type { TrainSummary } from '../run/train.ts';
import {
  type ConfigOptions,
  repaPlace,
  resolveConfig,
  withConfig,
  withRepaFlags,
  withTraining,
} from './config-options.ts';
import { perform } from './perform.ts';
import { showPlan } from './plan.ts';
import type { Reporter } from './reporter.ts';

interface TrainOptions extends ConfigOptions {
  readonly name?: string;
  readonly runs: string;
  readonly dryRun?: boolean;
}

/** The command. */
export function trainCommand(): Command {
  return withRepaFlags(withTraining(withConfig(new Command('train'))))
    .description('train a model; rerun to resume')
    .option('--name <run>', 'name of the run (default: that of the last configuration)')
    .option('--dry-run', 'print the plan, as ahpa plan --no-trial does, and stop')
    .action((options: TrainOptions, command: Command) =>
      perform(command, async (reporter) => {
        const config = resolveConfig(options, reporter);
        if (options.dryRun) {
          const request = { runs: options.runs, trial: false, watts: WATTS_PER_CORE };
          return showPlan(config, request, reporter);
        }
        return trainInto(runRoot(options), config, reporter);
      }),
    );
}

/** Trains into a folder until the end or an interrupt, and prints where the results are. */
export async function trainInto(
  root: string,
  config: TrainConfig,
  reporter: Reporter,
): Promise<TrainSummary> {
  const { train } = await import('../run/train.ts');
  const summary = await train(config, runFolder(root), reporter, () => listenForInterrupt(reporter));
  reporter.print(...closing(summary));
  return summary;
}

/** The folder of the run that a command line means. */
export function runRoot(options: Pick<TrainOptions, 'name' | 'runs' | 'config' | 'variant'>): string {
  const { config = ['base'], variant = [] } = options;
  const { name, runs } = { ...options, ...repaPlace(options) };
  const chosen = name ?? basename([...config, ...variant].at(-1) as string).replace(CONFIG_FILE, '');
  if (/^[\w.-]+$/.test(chosen)) return join(runs, chosen);
  throw userError(`--name is "${chosen}", wanted letters, digits, ".", "_" and "-".`);
}

function closing({ run, step, complete, samples, plot, stats, checkpoints }: TrainSummary): string[] {
  if (!complete) return [`Stopped after step ${step} and saved; the same command continues.`];
  return [
    `Done after ${step} steps. Look at`,
    ...(samples === undefined ? [] : [`  samples      ${samples}`]),
    `  plot         ${plot}`,
    `  numbers      ${stats}`,
    `  checkpoints  ${checkpoints}`,
    `Draw more with: ahpa sample --run ${run} --out grid.png`,
  ];
}
