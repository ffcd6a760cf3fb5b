/** What a run measured of a model: its last report, cards of evaluations, and a grid of samples. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { readStats, type StatsRow } from '../data/stats.ts';
import { userError } from '../errors.ts';
import { runFolder } from '../run/folder.ts';
import type { TrainedModel } from '../run/load-model.ts';

/** Everything measured; absent where the run is not at hand. */
export interface Facts {
  /** The last report up to the model's step. */
  readonly last?: StatsRow;
  readonly cards: readonly EvaluationCard[];
  /** The newest grid of samples up to the model's step. */
  readonly samples?: string;
}

/** Collects the facts: the named cards, and those that lie in the run's folder as `*.card.json`. */
export async function factsOf(model: TrainedModel, cards: readonly string[]): Promise<Facts> {
  const named = await Promise.all(cards.map(readCard));
  if (model.config === undefined || model.step === undefined) return { cards: named };
  const folder = runFolder(dirname(dirname(model.source)));
  const upTo = ({ step }: { readonly step: number }): boolean => step <= (model.step as number);
  const last = existsSync(folder.stats) ? (await readStats(folder.stats)).filter(upTo).at(-1) : undefined;
  const grids = namesIn(folder.samples, /^\d+\.png$/).filter((name) =>
    upTo({ step: Number.parseInt(name, 10) }),
  );
  const samples = grids.sort().at(-1);
  const own = namesIn(folder.root, /\.card\.json$/).map((name) => join(folder.root, name));
  return {
    ...(last && { last }),
    ...(samples !== undefined && { samples: join(folder.samples, samples) }),
    cards: [...named, ...(await Promise.all(own.map(readCard)))],
  };
}

const namesIn = (folder: string, pattern: RegExp): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];

async function readCard(path: string): Promise<EvaluationCard> {
  try {
    const card = JSON.parse(await readFile(path, 'utf8')) as Partial<EvaluationCard>;
    if (card.version === 1 && card.figures && card.reference && card.network) return card as EvaluationCard;
    throw new Error('it lacks figures, reference or network');
  } catch (cause) {
    throw userError(`${path} is no card of ahpa evaluate (${(cause as Error).message}).`, { cause });
  }
}
