/** `ahpa compare`: cards side by side, where they may be. */
import { readFile } from 'node:fs/promises';
import { differencesOf, type EvaluationCard } from '@ahpa/evaluation';
import { Command } from 'commander';
import { userError } from '../errors.ts';
import { perform } from './perform.ts';

async function readCard(path: string): Promise<EvaluationCard> {
  const card = JSON.parse(await readFile(path, 'utf8')) as EvaluationCard;
  if (card.version !== 1 || typeof card.figures !== 'object')
    throw userError(`${path} is no evaluation card of this version: make it with ahpa evaluate.`);
  return card;
}

/** The command. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('show figures side by side; refuses cards that are not comparable')
    .argument('<cards...>', 'two or more cards that ahpa evaluate wrote')
    .option(
      '--varying <what>',
      'what may differ, comma-separated: sampler, steps, guidance, interval, labels',
      '',
    )
    .action((paths: readonly string[], { varying }: { readonly varying: string }, command: Command) =>
      perform(command, async (reporter) => {
        const cards = await Promise.all(paths.map(readCard));
        const [first, ...rest] = cards as [EvaluationCard, ...EvaluationCard[]];
        if (rest.length === 0) throw userError('One card was named, wanted two or more.');
        rest.forEach((card, i) => {
          const problems = differencesOf(first, card, varying.split(','));
          if (problems.length > 0)
            throw userError(
              `${paths[0]} and ${paths[i + 1]} are not comparable: ${problems.join('; ')}. Evaluate both the same way, or name what you compare with --varying.`,
            );
        });
        reporter.say(table(paths, cards));
        return cards;
      }),
    );
}

/** A row for each figure, a column for each card. */
function table(paths: readonly string[], cards: readonly EvaluationCard[]): string {
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
  ].join('\n');
}
