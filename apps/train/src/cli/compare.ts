/** `ahpa compare`: comparable cards side by side, and held-out losses of runs example by example. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { differencesOf, type EvaluationCard } from '@ahpa/evaluation';
import { userError } from '@ahpa/messages';
import { Command } from 'commander';
import { type Change, showDifference } from '../config/changes.ts';
import { readChanges, runFolder } from '../records/folder.ts';
import { BINS, lossSteps, type MeanError, pairedLoss, readLoss } from '../records/held-out-loss.ts';
import { perform } from './perform.ts';
import type { Reporter } from './reporter.ts';

/** The command. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('metrics of cards side by side, or held-out losses of two runs; refuses incomparable cards')
    .argument('<what...>', 'cards that ahpa evaluate wrote, or two runs that kept held-out losses')
    .option(
      '--varying <settings>',
      'settings that may differ between cards, such as sampler,steps,guidance',
      '',
    )
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .action((what: readonly string[], { varying, runs }: CompareOptions, command: Command) =>
      perform(command, async (reporter) => {
        if (what.length < 2) throw userError('One card or run was named, wanted two or more.');
        const roots = what.map((name) =>
          [name, join(runs, name)].find((path) => existsSync(runFolder(path).config)),
        );
        const isRun = (root: string | undefined): root is string => root !== undefined;
        return roots.every(isRun) ? compareRuns(roots, reporter) : compareCards(what, varying, reporter);
      }),
    );
}

interface CompareOptions {
  readonly varying: string;
  readonly runs: string;
}

async function compareCards(
  paths: readonly string[],
  varying: string,
  reporter: Reporter,
): Promise<EvaluationCard[]> {
  const { readCard } = await import('@ahpa/evaluation/node');
  const cards = await Promise.all(paths.map(readCard));
  const [first, ...rest] = cards as [EvaluationCard, ...EvaluationCard[]];
  rest.forEach((card, i) => {
    const problems = differencesOf(first, card, varying.split(','));
    if (problems.length > 0)
      throw userError(
        `${paths[0]} and ${paths[i + 1]} are not comparable: ${problems.join('; ')}. Evaluate both the same way, or name what you compare with --varying.`,
      );
  });
  reporter.print(...table(paths, cards));
  return cards;
}

/** The first run's held-out loss minus the second's, at the last step that both kept. */
async function compareRuns([a, b]: readonly string[], reporter: Reporter): Promise<unknown> {
  const [one, other] = [runFolder(a as string), runFolder(b as string)];
  const steps = await lossSteps(other);
  const step = (await lossSteps(one)).filter((at) => steps.includes(at)).at(-1);
  if (step === undefined)
    throw userError(`${a} and ${b} kept no held-out losses of the same step: train with evaluate.lossEvery.`);
  const difference = pairedLoss(await readLoss(one, step), await readLoss(other, step));
  const show = ({ mean, standardError }: MeanError): string =>
    `${(1000 * mean).toFixed(2).padStart(9)} +- ${(1000 * standardError).toFixed(2)}`;
  reporter.print(
    `Held-out loss of ${a} minus ${b} at step ${step}, x 1000, with paired standard errors:`,
    `  all t      ${show(difference)}`,
    ...difference.byTime.map((bin, i) => `  t ${i / BINS} to ${(i + 1) / BINS}`.padEnd(13) + show(bin)),
  );
  const changes = await Promise.all([one, other].map(readChanges));
  [a, b].forEach((name, i) => {
    const made = (changes[i] as readonly Change[]).filter((change) => change.step < step);
    for (const change of made)
      reporter.say(`${name} changed after step ${change.step}: ${showDifference(change)}.`);
  });
  return { step, difference, changes };
}

/** A row for each metric, a column for each card. */
function table(paths: readonly string[], cards: readonly EvaluationCard[]): string[] {
  const names = [...new Set(cards.flatMap(({ figures }) => Object.keys(figures)))];
  const width = Math.max(...names.map((name) => name.length));
  const letter = (i: number): string => String.fromCharCode(65 + i);
  const line = (head: string, cells: readonly string[]): string =>
    [head.padEnd(width), ...cells.map((cell) => cell.padStart(9))].join('  ');
  const cell = ({ figures }: EvaluationCard, name: string): string =>
    figures[name] === undefined ? '-' : figures[name].value.toPrecision(5);
  return [
    line(
      '',
      cards.map((_, i) => letter(i)),
    ),
    ...names.map((name) =>
      line(
        name,
        cards.map((card) => cell(card, name)),
      ),
    ),
    '',
    ...paths.map((path, i) => `${letter(i)}  ${path}`),
  ];
}
