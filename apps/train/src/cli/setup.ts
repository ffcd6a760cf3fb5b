/** `ahpa setup`: obtains TensorFlow's library. */

import type { Progress } from '@ahpa/messages';
import { Command } from 'commander';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { perform } from './perform.ts';

const MEGABYTE = 1e6;

/** The command. */
export function setupCommand(): Command {
  return new Command('setup')
    .description("obtain TensorFlow's library and SqueezeNet for this machine, once")
    .option('--gpu', 'the build for NVIDIA GPUs, with the CUDA libraries (3.4 GB)')
    .action(({ gpu = false }: { readonly gpu?: boolean }, command: Command) =>
      perform(command, async (reporter) => {
        const { setup } = await import('@ahpa/libtensorflow/setup');
        let shown: { readonly stage: string; readonly bar: Progress<undefined> } | undefined;
        const onProgress = (stage: string, done: number, total: number): void => {
          if (shown?.stage !== stage) {
            shown?.bar.stop();
            const bar = reporter.progress<undefined>(`${stage}, MB`, Math.round(total / MEGABYTE));
            shown = { stage, bar };
          }
          shown.bar.update(Math.round(done / MEGABYTE), undefined);
        };
        const library = await setup({ gpu, say: reporter.say, onProgress });
        shown?.bar.stop();
        const { obtainSqueezeNet } = await import('@ahpa/evaluation/node');
        const cacheDir = defaultCacheDir();
        const network = await obtainSqueezeNet({ cacheDir }, reporter).catch((error: Error) => {
          reporter.warn(`${error.message} Everything but evaluation works without it.`);
          return undefined;
        });
        reporter.print(`TensorFlow ${library.version ?? ''} (${library.source}) is at ${library.path}`);
        if (network) reporter.print(`SqueezeNet is at ${network}`);
        return { ...library, squeezeNet: network ?? null };
      }),
    );
}
