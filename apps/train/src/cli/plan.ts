/** `ahpa plan`: resources of a configuration before anything starts. */
import { text } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import { WATTS_PER_CORE } from '../plan/machine.ts';
import type { PlanRequest } from '../plan/plan.ts';
import type { TrialSpec } from '../plan/trial-worker.ts';
import {
  type ConfigOptions,
  resolveConfig,
  withConfig,
  withRepaFlags,
  withTraining,
} from './config-options.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';

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
        const { plan } = await import('../plan/plan.ts');
        return plan(config, options, reporter);
      }),
    );
}
