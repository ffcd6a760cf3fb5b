/** Evaluation cards of a run. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { readCard } from '@ahpa/evaluation/node';

const NAME = /\.card\.json$/;

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
  return cards.sort((a, b) => drawnStep(a) - drawnStep(b));
}

/** The step of the weights that drew a card's images; 0 where it does not record it. */
export const drawnStep = ({ drawing }: EvaluationCard): number => drawing?.step ?? 0;
