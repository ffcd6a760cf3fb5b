/** Measurements of a model by its run: its last report, cards of evaluations, and a grid of samples. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { readCard } from '@ahpa/evaluation/node';
import { drawnStep, runCards } from '../evaluation/cards.ts';
import { rootOf, type TrainedModel } from '../models/trained-model.ts';
import { runFolder } from '../records/folder.ts';
import { type StatsRow, statsRows } from '../records/stats.ts';

/** Everything measured; absent where the run is not at hand. */
export interface Facts {
  /** The last report up to the model's step. */
  readonly last?: StatsRow;
  readonly cards: readonly EvaluationCard[];
  /** The newest grid of samples up to the model's step. */
  readonly samples?: string;
}

/** Collects the facts: the named cards, and those of the run up to the model's step. */
export async function collectFacts(model: TrainedModel, cards: readonly string[]): Promise<Facts> {
  const named = await Promise.all(cards.map(readCard));
  if (model.config === undefined || model.step === undefined) return { cards: named };
  const folder = runFolder(rootOf(model));
  const upTo = ({ step }: { readonly step: number }): boolean => step <= (model.step as number);
  let last: StatsRow | undefined;
  for await (const row of statsRows(folder.stats)) if (upTo(row)) last = row;
  const grids = namesIn(folder.samples, /^\d+\.png$/).filter((name) =>
    upTo({ step: Number.parseInt(name, 10) }),
  );
  const samples = grids.sort().at(-1);
  const own = (await runCards(folder.root)).filter((card) => upTo({ step: drawnStep(card) }));
  return {
    ...(last && { last }),
    ...(samples !== undefined && { samples: join(folder.samples, samples) }),
    cards: [...named, ...own],
  };
}

const namesIn = (folder: string, pattern: RegExp): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];
