/** `ahpa train-vae`: trains the small autoencoder that the demo encodes with. */
import { join } from 'node:path';
import type { BackendName } from '@ahpa/engine';
import { duration, type Progress, type ProgressFormat } from '@ahpa/messages';
import type { VaeQuality } from '@ahpa/vae-training';
import { Command, Option } from 'commander';
import { defaultCacheDir } from '../files/cache-folder.ts';
import type { GridImages } from '../files/image-grid.ts';
import { listenForInterrupt } from '../run/interrupt.ts';
import { backendOption } from './config-options.ts';
import { count, integer } from './numbers.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';

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
    .description('train the VAE of @ahpa/emoji-vae; rerun to resume')
    .option('--out <folder>', 'folder to write', 'runs/vae')
    .option('--steps <count>', 'optimisation steps', count, 5000)
    .option('--batch <count>', 'images a step', count, 32)
    .option('--seed <number>', 'seed of initialisation, data order and noise', integer, 0)
    .option('--save-every <count>', 'steps between checkpoints', count, 500)
    .addOption(
      new Option('--precision <type>', 'precision of matrix products')
        .choices(['float32', 'bfloat16'])
        .default('bfloat16'),
    )
    .addOption(backendOption())
    .action((options: TrainVaeOptions, command: Command) =>
      perform(command, (reporter) => trainEmojiVae(options, reporter)),
    );
}

async function trainEmojiVae(
  options: TrainVaeOptions,
  reporter: Reporter,
): Promise<Partial<VaeQuality> & { readonly out: string }> {
  const { EMOJI_VAE: vae, trainVae, VAE_DATA, vaeTrainConfig } = await import('@ahpa/vae-training');
  const { loadEmoji } = await import('@ahpa/emoji-data');
  const { writeGrid } = await import('../files/image-grid.ts');
  const { sets, size, holdOut } = VAE_DATA;
  const set = await loadEmoji({ sets, size, cacheDir: defaultCacheDir() }, reporter);
  const line = restartingLine(options, reporter);
  const picture = join(options.out, 'reconstructions.png');
  const onPairs = async (pairs: GridImages): Promise<void> => {
    line.stop();
    await writeGrid(picture, pairs, 16);
  };
  const interrupt = listenForInterrupt(reporter, {
    unit: 'this step and saving',
    resume: 'the same command goes on from the newest checkpoint (--save-every)',
  });
  try {
    const numbers = { ...options, vae, optim: vaeTrainConfig(options.steps), holdOut };
    const { signal, stretch } = interrupt;
    const callbacks = { signal, stretch, onProgress: line.update, onPairs };
    const quality = await trainVae(set, { ...numbers, ...callbacks }, reporter);
    reporter.print(
      quality.psnr === undefined
        ? `Stopped after step ${quality.step} and saved; the same command continues.`
        : `Look at ${options.out}/reconstructions.png; the VAE is in ${options.out}.`,
    );
    return { out: options.out, ...quality };
  } finally {
    interrupt.release();
  }
}

/** A progress line that starts again when it is updated after a stop. */
function restartingLine({ steps, batch }: TrainVaeOptions, reporter: Reporter): Progress<number> {
  let bar: Progress<number> | undefined;
  return {
    update: (step, error) => {
      bar ??= reporter.progress('training the VAE', steps, lineFormat(batch));
      bar.update(step, error);
    },
    stop: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}

const lineFormat =
  (batch: number): ProgressFormat<number> =>
  ({ value, total, perSecond, secondsLeft, payload }) =>
    [
      `${value}/${total}`,
      `${(perSecond * batch).toFixed(0)} img/s`,
      `${(-10 * Math.log10(payload / 4)).toFixed(2)} dB`,
      `ETA ${duration(secondsLeft)}`,
    ].join('  ');
