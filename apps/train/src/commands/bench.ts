/** `ahpa bench`: the training step and the network evaluation, measured beside PyTorch or beside no alignment. */
import { Command, Option } from 'commander';
import type { BenchOptions, Work } from '../bench/run.ts';
import type { StepSpec } from '../bench/spec.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';

/** The sizes that both sides build: patches of two. */
const MODELS: readonly StepSpec['model'][] = ['SiT-S/2', 'SiT-B/2', 'SiT-L/2', 'SiT-XL/2'];

function workCommand(name: string, work: Work, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option('--model <name>', 'size of the transformer').choices(MODELS).default('SiT-S/2'))
    .option('--batch <n>', 'images a step', count, 8)
    .addOption(new Option('--precision <name>', 'of matrix products').choices(['f32', 'bf16']).default('f32'))
    .addOption(
      new Option('--align <kind>', 'alignment on both sides').choices(['ahpa', 'none']).default('ahpa'),
    )
    .option('--head-hidden <n>', 'width of the projection heads', count, 2048)
    .addOption(
      new Option('--against <peer>', 'PyTorch, or our own step without alignment')
        .choices(['torch', 'none'])
        .default('torch'),
    )
    .addOption(
      new Option('--mode <mode>', 'how PyTorch runs').choices(['eager', 'compile', 'both']).default('both'),
    )
    .option('--python <path>', 'a Python that has PyTorch (default: one is made in the cache folder)')
    .option('--rounds <n>', 'counted repetitions a side', count, 7)
    .action((options: BenchOptions, command: Command) =>
      perform(command, async (reporter) => (await import('../bench/run.ts')).bench(work, options, reporter)),
    );
}

/** The command. */
export function benchCommand(): Command {
  const worker = new Command('worker').argument('<spec>').action(async (spec: string) => {
    const { serve } = await import('../bench/worker.ts');
    await serve(JSON.parse(spec) as StepSpec);
  });
  return new Command('bench')
    .description('measure speed and memory, interleaved with a peer')
    .addCommand(workCommand('step', 'step', 'one training step'))
    .addCommand(workCommand('sample', 'infer', 'one guided network evaluation, as samplers make it'))
    .addCommand(worker, { hidden: true });
}
