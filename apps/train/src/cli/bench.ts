/** `ahpa bench`: the training step, the network evaluation, the VAE's encoder and the evaluation, measured beside PyTorch or beside no alignment. */
import type { BenchKind, BenchOptions, BenchResults, EncoderName, StepModel, TorchMode } from '@ahpa/bench';
import { Command, Option } from 'commander';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';

/** The sizes that both sides build: patches of two. */
const MODELS: readonly StepModel[] = ['SiT-S/2', 'SiT-B/2', 'SiT-L/2', 'SiT-XL/2'];
const VAES: readonly EncoderName[] = ['sd-vae', 'taef2'];

const precision = (): Option =>
  new Option('--precision <name>', 'precision of matrix products').choices(['f32', 'bf16']).default('f32');

/** A command with the options of every benchmark. */
function common(command: Command, modes: readonly TorchMode[], chosen: readonly TorchMode[]): Command {
  return command
    .addOption(
      new Option('--mode <modes...>', 'execution modes of PyTorch; the fastest counts')
        .choices(modes)
        .default(chosen),
    )
    .option('--python <path>', 'Python with PyTorch (default: a virtual environment in the cache folder)')
    .option('--rounds <n>', 'timed repetitions of each side', count, 7);
}

/** The action of a command: its options are those of the benchmark `kind`. */
const bench =
  <K extends BenchKind>(kind: K) =>
  (options: BenchOptions[K], self: Command): Promise<void> =>
    perform(self, async (reporter): Promise<BenchResults[K]> => {
      const { runBench } = await import('@ahpa/bench');
      // Every line of a benchmark is its result.
      return runBench(kind, options, {
        cacheDir: defaultCacheDir(),
        reporter: { ...reporter, say: reporter.print },
      });
    });

function stepCommand(kind: 'step' | 'sample', description: string): Command {
  const command = new Command(kind)
    .description(description)
    .addOption(new Option('--model <name>', 'size of the transformer').choices(MODELS).default('SiT-S/2'))
    .option('--batch <n>', 'images a step', count, 8)
    .addOption(precision())
    .addOption(
      new Option('--align <kind>', 'alignment on both sides').choices(['ahpa', 'none']).default('ahpa'),
    )
    .option('--head-hidden <n>', 'width of the projection heads', count, 2048)
    .addOption(
      new Option('--against <peer>', 'PyTorch, or our own step without alignment')
        .choices(['torch', 'none'])
        .default('torch'),
    );
  return common(command, ['eager', 'compile'], ['eager', 'compile']).action(bench(kind));
}

function encodeCommand(): Command {
  const command = new Command('encode')
    .description('one batch through the encoder of a VAE, with random weights')
    .addOption(new Option('--vae <name>', 'architecture').choices(VAES).default('sd-vae'))
    .option('--size <px>', 'side of the images', count, 256)
    .option('--batch <n>', 'images at once', count, 2)
    .addOption(precision())
    .addOption(new Option('--against <peer>', 'diffusers').choices(['torch']).default('torch'));
  return common(command, ['eager', 'channels-last', 'compile'], ['eager', 'channels-last']).action(
    bench('encode'),
  );
}

function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('images through SqueezeNet into statistics, and nearest neighbours of features')
    .option('--images <n>', 'images of 64 px', count, 500)
    .option('--rows <n>', 'features whose neighbours are found', count, 10_000)
    .option('--width <n>', 'dimensions of a feature', count, 512)
    .addOption(new Option('--against <peer>', 'PyTorch and NumPy').choices(['torch']).default('torch'));
  return common(command, ['eager', 'channels-last'], ['eager', 'channels-last']).action(bench('evaluate'));
}

/** The command. */
export function benchCommand(): Command {
  return new Command('bench')
    .description('measure speed and memory, interleaved with a peer')
    .addCommand(stepCommand('step', 'one training step'))
    .addCommand(stepCommand('sample', 'one guided network evaluation, as samplers make it'))
    .addCommand(encodeCommand())
    .addCommand(evaluateCommand());
}
