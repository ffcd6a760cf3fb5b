/** `ahpa extract`: images to a cache of VAE features that `ahpa train` reads. */
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import type { ExtractRequest } from '../run/extract-images.ts';
import { EXTRACTING, listenForInterrupt } from '../run/interrupt.ts';
import type { ConfigOptions } from './config-options.ts';
import { backendOption, resolveConfig, withConfig } from './config-options.ts';
import { count, integer, share } from './numbers.ts';
import { perform } from './perform.ts';

interface Options extends ConfigOptions, Omit<ExtractRequest, 'source'> {}

/** The command. */
export function extractCommand(): Command {
  const command = withConfig(new Command('extract'))
    .description('encode images into a cache of latents and features; rerun to resume')
    .argument('[source]', 'folder, .zip, .tar(.gz, .zst), .parquet or pattern (default: data.path)')
    .requiredOption('--out <folder>', 'folder of the cache');
  return withLabels(command)
    .option('--size <pixels>', 'side of the centre crop (default: data.size)', count)
    .option(
      '--like <cache>',
      'take over the classes and statistics of another cache, for data that are held out',
    )
    .option('--pixels', 'keep the cropped images too, for evaluation')
    .option('--strict', 'stop at the first image that cannot be decoded')
    .option('--max-bad <share>', 'stop where more of the images cannot be decoded (default: 0.05)', share)
    .option('--retry', 'try images that were left out before again')
    .option('--verify', 'read the finished cache again and compare its hashes')
    .option('--threads <n>', 'decoding threads, 0 for the main one', integer, availableParallelism())
    .addOption(
      new Option('--teacher <network>', "a frozen network's tokens too, for REPA, iREPA and HASTE").choices([
        'squeezenet',
      ]),
    )
    .option('--batch <n>', 'images encoded together (default: by their size)', count)
    .addOption(backendOption())
    .action((source: string | undefined, options: Options, command: Command) =>
      perform(command, async (reporter) => {
        const { describeExtract, runExtract } = await import('../run/extract-images.ts');
        const summary = await runExtract(
          resolveConfig(options, reporter),
          { ...options, source },
          reporter,
          () => listenForInterrupt(reporter, EXTRACTING),
        );
        reporter.print(
          ...(summary
            ? describeExtract(summary)
            : ['Stopped; the same command goes on after the images written.']),
        );
        return summary ?? { cache: options.out, complete: false };
      }),
    );
}

/** Adds the options that say where labels and classes are. */
function withLabels(command: Command): Command {
  return command
    .option('--within <folder>', 'folder inside the source, or prefix of the names of shards')
    .option(
      '--labels <file>',
      "a dataset.json, metadata.csv or metadata.jsonl (default: the source's own, or its folders)",
    )
    .option(
      '--label-column <name>',
      'column of labels: of Parquet, metadata; cls or a key of .json in WebDataset',
    )
    .option('--image-column <name>', 'column of images in Parquet, their extension in WebDataset')
    .addOption(
      new Option('--classes <file>', 'class names in their order, one a line or a list in .json').conflicts(
        'like',
      ),
    );
}
