/** Evaluation cards on disk: one file, and all that a run has. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { userError } from '@ahpa/messages';

const NAME = /\.card\.json$/;

/** Reads a card. Throws one sentence where the file is none. */
export async function readCard(path: string): Promise<EvaluationCard> {
  try {
    const card = JSON.parse(await readFile(path, 'utf8')) as Partial<EvaluationCard>;
    if (card.version === 1 && card.figures && card.reference && card.network) return card as EvaluationCard;
    throw new Error('it lacks version 1, figures, reference or network');
  } catch (cause) {
    throw userError(`${path} is no card of ahpa evaluate (${(cause as Error).message}).`, { cause });
  }
}

/** The cards in a run's folder and its `evaluation`, by the step whose weights they are of. */
export async function runCards(root: string): Promise<EvaluationCard[]> {
  const paths = [root, join(root, 'evaluation')].flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => NAME.test(name))
          .map((name) => join(folder, name))
      : [],
  );
  const cards = await Promise.all(paths.sort().map(readCard));
  return cards.sort((a, b) => stepOf(a) - stepOf(b));
}

/** The step of the weights that drew a card's images; 0 where it does not say. */
export const stepOf = ({ drawing }: EvaluationCard): number => drawing?.step ?? 0;
