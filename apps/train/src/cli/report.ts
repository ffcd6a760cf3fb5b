/** `ahpa report`: one page about one or more runs. */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { userError } from '@ahpa/messages';
import { Command } from 'commander';
import { writeWhole } from '../files/write-whole.ts';
import { listenForInterrupt } from '../run/interrupt.ts';
import { integer } from './numbers.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';

interface ReportChoice {
  readonly out: string;
  readonly baseline?: string;
}

interface ReportCommandOptions extends ReportChoice {
  readonly watch?: boolean;
  readonly port: number;
}

/** The command. */
export function reportCommand(): Command {
  return new Command('report')
    .description('one self-contained HTML page: table of arms, curves, routers, sample grids')
    .argument('<run...>', 'folders of runs, or of sweeps')
    .option('--out <file>', 'page to write', 'report.html')
    .option('--baseline <arm>', 'baseline of the comparison (default: arm none, or the first)')
    .option('--watch', 'serve the page on this machine, up to date, until a signal')
    .option('--port <n>', 'port of --watch; 0 takes a free one', integer, 8008)
    .action((paths: string[], options: ReportCommandOptions, command: Command) =>
      perform(command, (reporter) =>
        options.watch ? watch(paths, options, reporter) : writeReport(paths, options, reporter),
      ),
    );
}

async function renderPage(
  paths: readonly string[],
  { baseline }: Pick<ReportChoice, 'baseline'>,
): Promise<string> {
  const { readRuns } = await import('../experiments/read-runs.ts');
  const { reportPage } = await import('../experiments/report-page.ts');
  const chosen = baseline === undefined ? '' : ` --baseline ${baseline}`;
  const options = { command: `ahpa report ${paths.join(' ')}${chosen}` };
  return reportPage(await readRuns(paths), baseline === undefined ? options : { ...options, baseline });
}

/** Writes the page. */
export async function writeReport(
  paths: readonly string[],
  options: ReportChoice,
  reporter: Reporter,
): Promise<{ readonly out: string }> {
  const extension = extname(options.out);
  if (!['', '.html', '.htm'].includes(extension.toLowerCase()))
    throw userError(`${options.out} ends in "${extension}", wanted a page as .html or .htm.`);
  await writeWhole(options.out, await renderPage(paths, options));
  reporter.print(`The report is in ${options.out}.`);
  return { out: options.out };
}

async function watch(
  paths: readonly string[],
  options: ReportCommandOptions,
  reporter: Reporter,
): Promise<{ readonly url: string }> {
  const { readRuns, recordFiles } = await import('../experiments/read-runs.ts');
  const { messagePage } = await import('../experiments/report-page.ts');
  const { servePage } = await import('../experiments/watch.ts');
  await readRuns(paths);
  const version = async (): Promise<string> => {
    const files = await Promise.all(recordFiles(paths).map((file) => stat(file)));
    return files.map(({ mtimeMs, size }) => `${mtimeMs}/${size}`).join(' ');
  };
  const interrupt = listenForInterrupt(reporter, { unit: 'this page', resume: 'nothing is lost' });
  const page = (): Promise<string> =>
    renderPage(paths, options).catch((error: Error) => messagePage(error.message));
  const served = await servePage(page, version, options.port);
  reporter.print(`Watching at ${served.url}, until Ctrl-C.`);
  await new Promise<void>((resolve) => {
    if (interrupt.signal.aborted) resolve();
    else interrupt.signal.addEventListener('abort', () => resolve());
  });
  interrupt.release();
  await served.close();
  return { url: served.url };
}
