/** `ahpa train`: trains, or continues, a run. */
import { basename, join } from 'node:path';
import { userError } from '@ahpa/messages';
import { Command } from 'commander';
import { CONFIG_FILE } from '../config/read-file.ts';
import type { TrainConfig } from '../config/types.ts';
import { WATTS_PER_CORE } from '../plan/machine.ts';
import { runFolder } from '../records/folder.ts';
import { type Interrupt, listenForInterrupt } from '../run/interrupt.ts';
import type { Continuation } from '../run/start.ts';
import type { TrainSummary } from '../run/train.ts';
import { repaPlace, withConfig, withRepaFlags, withTraining } from './config-options.ts';
import { chooseRun, type ExistingRunOptions, withExistingRun } from './existing-run.ts';
import { perform } from './perform.ts';
import { showPlan } from './plan.ts';
import type { Reporter } from './reporter.ts';

interface TrainOptions extends ExistingRunOptions {
  readonly name?: string;
  readonly dryRun?: boolean;
}

/** The command. */
export function trainCommand(): Command {
  return withRepaFlags(withExistingRun(withTraining(withConfig(new Command('train')))))
    .description('train a model; rerun to resume')
    .option('--name <run>', 'name of the run (default: that of the last configuration)')
    .option('--dry-run', 'print the plan, as ahpa plan --no-trial does, and stop')
    .action((options: TrainOptions, command: Command) =>
      perform(command, async (reporter) => {
        if (options.run !== undefined && options.name !== undefined)
          throw userError(
            'Both --run and --name were given: --run names a run that exists, --name also a new one.',
          );
        const { root, config, continuation } = await chooseRun(options, () => runRoot(options), reporter);
        if (options.dryRun) {
          const request = { runs: options.runs, trial: false, watts: WATTS_PER_CORE };
          return showPlan(config, request, reporter);
        }
        return trainInto(root, config, reporter, continuation);
      }),
    );
}

/** Trains into a folder until the end or an interrupt, and prints where the results are. */
export async function trainInto(
  root: string,
  config: TrainConfig,
  reporter: Reporter,
  continuation?: Continuation,
): Promise<TrainSummary> {
  const { train } = await import('../run/train.ts');
  const listen = (): Interrupt => listenForInterrupt(reporter);
  const summary = await train(config, runFolder(root), reporter, listen, continuation);
  reporter.print(...closing(summary, continuation));
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

function closing(
  { run, step, complete, samples, plot, stats, checkpoints }: TrainSummary,
  { at }: Partial<Continuation> = {},
): string[] {
  if (!complete) {
    if (step === 0) return ['Stopped before the first step; nothing is kept.'];
    const command = at === undefined ? 'the same command' : `ahpa train --run ${run}`;
    return [`Stopped after step ${step} and saved; ${command} continues.`];
  }
  return [
    `Done after ${step} steps. Look at`,
    ...(samples === undefined ? [] : [`  samples      ${samples}`]),
    `  plot         ${plot}`,
    `  numbers      ${stats}`,
    `  checkpoints  ${checkpoints}`,
    `Draw more with: ahpa sample --run ${run} --out grid.png`,
  ];
}
