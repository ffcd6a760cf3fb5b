/** `ahpa runs`: list of the runs. */

import { duration, shortCount } from '@ahpa/messages';
import { Command } from 'commander';
import type { RunSummary } from '../records/runs.ts';
import { perform } from './perform.ts';

/** The command. */
export function runsCommand(): Command {
  return new Command('runs')
    .description('list the runs with their state and best metrics')
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .option('--verify', 'read every checkpoint and list damaged and leftover files')
    .action((options: { readonly runs: string; readonly verify?: boolean }, command: Command) =>
      perform(command, async (reporter) => {
        const { listRuns } = await import('../records/runs.ts');
        const list = await listRuns(options.runs);
        reporter.print(...(list.length === 0 ? [`There are no runs in ${options.runs}.`] : table(list)));
        if (!options.verify) return list;
        const reports = await Promise.all(list.map(({ name }) => verify(options.runs, name)));
        reporter.print(...reports.flatMap(({ lines }) => lines));
        return list.map((run, i) => ({ ...run, files: reports[i]?.files }));
      }),
    );
}

async function verify(runs: string, name: string) {
  const { verifyFolder } = await import('@ahpa/checkpoint');
  const { runFolder } = await import('../records/folder.ts');
  const { join } = await import('node:path');
  const files = await verifyFolder(runFolder(join(runs, name)).checkpoints);
  const lines = [
    ...files.checkpoints.map(({ path, problem }) => problem ?? `${path}: good`),
    ...files.others.map(({ file, reason }) => `${file}: ${reason}`),
  ];
  return { files, lines };
}

const HEAD = ['run', 'state', 'step', 'saved', 'images', 'time', 'loss', 'best (step)', ''];

function table(list: readonly RunSummary[]): string[] {
  const cells = [HEAD, ...list.map(toCells)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function toCells({
  name,
  state,
  step,
  steps,
  saved,
  images,
  seconds,
  denoising,
  best,
  note = '',
}: RunSummary): string[] {
  return [
    name,
    state,
    `${step}/${steps}`,
    `${saved}`,
    shortCount(images),
    duration(seconds),
    denoising?.toFixed(4) ?? '-',
    best === undefined ? '-' : `${best.denoising.toFixed(4)} (${best.step})`,
    note,
  ];
}
