/** `ahpa train-vae`: trains the small autoencoder that the demo encodes with. */
import type { BackendName } from '@ahpa/engine';
import { Command, Option } from 'commander';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { listenForInterrupt } from '../run/interrupt.ts';
import { backendOption } from './config-options.ts';
import { count, integer } from './numbers.ts';
import { perform } from './perform.ts';

interface TrainVaeOptions {
  readonly out: string;
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  readonly saveEvery: number;
  readonly precision: 'float32' | 'bfloat16';
  readonly backend?: BackendName;
}

/** The command. */
export function trainVaeCommand(): Command {
  return new Command('train-vae')
    .description('train the VAE of @ahpa/emoji-vae; the same command again continues an interrupted run')
    .option('--out <folder>', 'folder to write', 'runs/vae')
    .option('--steps <count>', 'optimisation steps', count, 5000)
    .option('--batch <count>', 'images a step', count, 32)
    .option('--seed <number>', 'of initialisation, data order and noise', integer, 0)
    .option('--save-every <count>', 'steps between checkpoints', count, 500)
    .addOption(
      new Option('--precision <type>', 'of matrix products')
        .choices(['float32', 'bfloat16'])
        .default('bfloat16'),
    )
    .addOption(backendOption())
    .action((options: TrainVaeOptions, command: Command) =>
      perform(command, async (reporter) => {
        const { trainVae } = await import('../vae/train.ts');
        const { EMOJI_VAE: vae, VAE_DATA, vaeTrainConfig } = await import('../vae/recipe.ts');
        const { loadEmoji } = await import('@ahpa/emoji-data');
        const { sets, size, holdOut } = VAE_DATA;
        const set = await loadEmoji({ sets, size, cacheDir: defaultCacheDir() }, reporter);
        const interrupt = listenForInterrupt(reporter);
        try {
          const optim = vaeTrainConfig(options.steps);
          const { signal } = interrupt;
          const quality = await trainVae(set, { ...options, vae, optim, holdOut, signal }, reporter);
          reporter.say(`Look at ${options.out}/reconstructions.png; the VAE is in ${options.out}.`);
          return { out: options.out, ...quality };
        } finally {
          interrupt.release();
        }
      }),
    );
}
