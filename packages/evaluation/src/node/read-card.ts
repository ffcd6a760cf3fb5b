/** Evaluation cards in files. */
import { readFile } from 'node:fs/promises';
import { userError } from '@ahpa/messages';
import type { EvaluationCard } from '../card.ts';

/** Reads a card. @throws where the file is none. */
export async function readCard(path: string): Promise<EvaluationCard> {
  try {
    const card = JSON.parse(await readFile(path, 'utf8')) as Partial<EvaluationCard>;
    if (card.version === 1 && card.figures && card.reference && card.network) return card as EvaluationCard;
    throw new Error('it lacks version 1, figures, reference or network');
  } catch (cause) {
    throw userError(`${path} is no card of ahpa evaluate (${(cause as Error).message}).`, { cause });
  }
}
