/** `ahpa plan`: resources of a configuration before anything starts. */
import { text } from 'node:stream/consumers';
import { userError } from '@ahpa/messages';
import { Command, Option } from 'commander';
import type { TrainConfig } from '../config/types.ts';
import { WATTS_PER_CORE } from '../plan/machine.ts';
import type { PlanRequest } from '../plan/plan.ts';
import type { TrialSpec } from '../plan/trial-worker.ts';
import type { Plan } from '../plan/types.ts';
import {
  type ConfigOptions,
  resolveConfig,
  withConfig,
  withRepaFlags,
  withTraining,
} from './config-options.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';

/** The command. */
export function planCommand(): Command {
  const trial = new Command('trial').action(async () => {
    const { runTrial } = await import('../plan/trial-worker.ts');
    const result = await runTrial(JSON.parse(await text(process.stdin)) as TrialSpec);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  });
  return withRepaFlags(withTraining(withConfig(new Command('plan'))))
    .description('estimate memory, disk, hours and energy of a run; refuse one that cannot fit')
    .option('--no-trial', 'calculate only: take no steps, and refuse nothing')
    .addOption(
      new Option('--assume <data>', "ImageNet and Stable Diffusion's VAE, which need not be here").choices([
        'imagenet-256',
        'imagenet-512',
      ]),
    )
    .option('--gflops <n>', 'speed to assume without a trial', count)
    .option('--watts <n>', 'assumed power of each core', count, WATTS_PER_CORE)
    .addCommand(trial, { hidden: true })
    .action((options: ConfigOptions & PlanRequest, command: Command) =>
      perform(command, async (reporter) => {
        const config = resolveConfig(options, reporter);
        return showPlan(config, options, reporter);
      }),
    );
}

/** Prints and resolves to the plan of a configuration. @throws where it cannot fit and a trial was asked for; without one it warns */
export async function showPlan(config: TrainConfig, request: PlanRequest, reporter: Reporter): Promise<Plan> {
  const [{ plan }, { planText }] = await Promise.all([
    import('../plan/plan.ts'),
    import('../plan/plan-text.ts'),
  ]);
  const result = await plan(config, request, reporter);
  reporter.print(...planText(result, request.watts));
  if (result.problem === undefined) return result;
  if (request.trial) throw userError(result.problem);
  reporter.warn(result.problem);
  return result;
}
