/** `ahpa evaluate`: metrics of generated images, with their card. */
import { Command } from 'commander';
import type { EvaluateRequest } from '../evaluation/evaluate.ts';
import { count } from './numbers.ts';
import { perform } from './perform.ts';
import { type SamplingOptions, samplerOptions, withRuns, withSampler } from './sampling-options.ts';

type EvaluateOptions = Omit<EvaluateRequest, 'samples' | 'command' | 'sample'> & SamplingOptions;

/** Default path of the card of samples. */
const cardPath = (samples: string): string => `${samples.replace(/\/+$/, '')}.card.json`;

/** The command. */
export function evaluateCommand(): Command {
  return withSampler(withRuns(new Command('evaluate')))
    .description('compare generated images with a reference: Frechet distances, IS, precision, recall')
    .argument('<samples>', '.npz, .npy, folder, .zip or .tar of images; or a run or model, which then draws')
    .requiredOption('--ref <file>', 'images in any of these forms, an ADM reference .npz, or kept statistics')
    .option('--n <count>', 'samples (default: all of a file, 5000 of a model)', count)
    .option('--inception <file>', 'the network of FID: frozen graph .pb or PyTorch weights, path or URL')
    .option('--sha256 <hex>', 'SHA-256 that the --inception file must have')
    .option('--kid', 'also the Kernel Inception Distance')
    .option('--infinity', 'also the Frechet distance extrapolated to infinitely many images')
    .option('--bootstrap <count>', 'resamples for an interval of the Frechet distance', count)
    .option('--against <samples>', 'other samples from the same noise: test whether the two differ')
    .option('--save-ref <file>', 'keep the statistics of the reference in a .safetensors file')
    .option('--card <file>', 'path of the card (default: <samples>.card.json)')
    .action((samples: string, options: EvaluateOptions, command: Command) =>
      perform(command, async (reporter) => {
        const [{ evaluate }, { showCard, showPaired }] = await Promise.all([
          import('../evaluation/evaluate.ts'),
          import('@ahpa/evaluation/node'),
        ]);
        const card = options.card ?? cardPath(samples);
        const request = {
          ...options,
          samples,
          card,
          sample: samplerOptions(options),
          command: commandLine(),
        };
        const evaluation = await evaluate(request, reporter);
        reporter.print(...showCard(evaluation.card).split('\n'), '');
        if (evaluation.paired) reporter.print(...showPaired(evaluation.paired).split('\n'), '');
        reporter.print(`The card is ${card}.`);
        return evaluation;
      }),
    );
}

/** The command line as a card repeats it. */
const commandLine = (): string => ['ahpa', ...process.argv.slice(2)].join(' ');
