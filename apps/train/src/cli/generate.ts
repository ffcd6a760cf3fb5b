/** `ahpa generate`: draws many images into an .npz file or a folder of PNGs. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { GENERATING, listenForInterrupt } from '../run/interrupt.ts';
import type { GenerateOptions, GenerateResult } from '../sampling/generate.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';
import {
  namedModel,
  type SamplingOptions,
  samplerOptions,
  withModel,
  withSampler,
} from './sampling-options.ts';

type GenerateFlags = SamplingOptions &
  Pick<GenerateOptions, 'n' | 'labels' | 'class' | 'out' | 'batch' | 'shard'>;

/** The command. */
export function generateCommand(): Command {
  return withSampler(withModel(new Command('generate')))
    .description('generate images for evaluation; rerun to resume')
    .option('--n <count>', 'images in all', count, 50_000)
    .addOption(
      new Option('--labels <order>', 'classes drawn at random, as REPA does, or each in turn')
        .choices(['random', 'balanced'])
        .default('random'),
    )
    .option('--class <class>', 'name or index of the only class, or all', 'all')
    .option('--out <paths...>', '.npz files as ADM reads them, folders of PNGs, or both', ['samples.npz'])
    .option('--batch <count>', 'images computed together; the bits of an image depend on it', count, 32)
    .option('--shard <i/n>', 'draw the i-th of n parts, other processes the others', shard, {
      part: 1,
      of: 1,
    })
    .action((options: GenerateFlags, command: Command) =>
      perform(command, async (reporter) => {
        const { generate } = await import('../sampling/generate.ts');
        const interrupt = listenForInterrupt(reporter, GENERATING);
        const request = { ...options, model: namedModel(options), sample: samplerOptions(options) };
        const result = await generate(request, reporter, interrupt).finally(interrupt.release);
        reporter.print(closing(result, interrupt.signal.aborted));
        return result;
      }),
    );
}

function closing({ out, images, drawn, complete }: GenerateResult, stopped: boolean): string {
  if (complete && drawn === 0) return `${out.join(' and ')} held all ${images} images already.`;
  if (complete) return `${images} images are in ${out.join(' and ')}.`;
  if (stopped) return `Stopped after ${drawn} images; the same command goes on.`;
  return `Drew this part, ${drawn} images; ${out.join(' and ')} will be complete with the other parts.`;
}

function shard(text: string): GenerateOptions['shard'] {
  const [, part, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (part !== undefined && of !== undefined && part >= 1 && part <= of) return { part, of };
  throw new InvalidArgumentError('Wanted a part and the number of parts, such as 1/4.');
}
