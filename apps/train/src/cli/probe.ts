/** `ahpa probe`: linear recoverability of VAE features from a run's hidden tokens. */
import { Command } from 'commander';
import type { ProbeRequest } from '../experiments/probe.ts';
import type { Probe } from '../records/probe-file.ts';
import { backendOption } from './config-options.ts';
import { count, seed } from './numbers.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';
import { withRuns } from './sampling-options.ts';

/** The command. */
export function probeCommand(): Command {
  return withRuns(new Command('probe'))
    .description('measure how well hidden tokens predict each group of VAE features, by block and noise')
    .argument('<run>', 'name of a run, or path of a run or checkpoint')
    .option('--images <n>', 'training images to measure with', count, 2000)
    .option('--batch <n>', 'images at a time', count, 32)
    .option('--bins <n>', 'equal ranges of t', count, 3)
    .option('--seed <n>', 'seed of images, times and noise', seed, 0)
    .addOption(backendOption())
    .action((run: string, options: Omit<ProbeRequest, 'run'>, command: Command) =>
      perform(command, async (reporter) => {
        const { probeRun } = await import('../experiments/probe.ts');
        const probe = await probeRun({ ...options, run }, reporter);
        describe(probe, reporter);
        return probe;
      }),
    );
}

const cell = (value: number): string => value.toFixed(2).padStart(7);

function describe({ targets, pick, step, weights, images, bins }: Probe, { print }: Reporter): void {
  const range = (bin: number): string => `t<${((bin + 1) / bins).toFixed(2)}`.padStart(7);
  const head = Array.from({ length: bins }, (_, bin) => range(bin)).join('');
  print(
    `Step ${step}, weights ${weights}, ${images} images. R² of readouts on held-out images, by block and time:`,
  );
  for (const { name, kind, availability, r2, meanGap } of targets) {
    print(
      '',
      `${name}${kind === 'increment' ? ', what it adds' : ''}: latent ${availability.toFixed(2)}, mean gap ${meanGap.toFixed(2)}`,
    );
    print(`  block${head}`);
    r2.forEach((row, block) => {
      print(`  ${String(block + 1).padStart(5)}${row.map(cell).join('')}`);
    });
  }
  print('', pick === undefined ? 'No group is readable.' : `The widest gap has: ${pick}.`);
}
