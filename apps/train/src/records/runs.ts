/** The runs of a folder: the state of each, and its best metrics. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listCheckpoints } from '@ahpa/checkpoint';
import { isAlive, readHolder } from '@ahpa/file-lock';
import { type RunFolder, readRunConfig, runFolder } from './folder.ts';
import { type StatsRow, statsRows } from './stats.ts';

/** `running`: a process holds its lock; `broken`: non-finite numbers or damaged files; `stopped`: the same command resumes it. */
export type RunPhase = 'running' | 'stopped' | 'complete' | 'broken';

/** One run. */
export interface RunSummary {
  readonly name: string;
  readonly state: RunPhase;
  /** Steps that are in a checkpoint, and those it is to reach. */
  readonly saved: number;
  readonly steps: number;
  /** Of the newest row. */
  readonly step: number;
  readonly images: number;
  readonly seconds: number;
  readonly denoising?: number;
  /** The lowest row, and its step. */
  readonly best?: { readonly step: number; readonly denoising: number };
  /** Reason that it is broken, or the process that runs it. */
  readonly note?: string;
}

/** Every run in a folder, by name. */
export async function listRuns(runs: string): Promise<RunSummary[]> {
  if (!existsSync(runs)) return [];
  const entries = await readdir(runs, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const folders = names.sort().map((name) => [name, runFolder(join(runs, name))] as const);
  const found = folders.filter(([, { config }]) => existsSync(config));
  return Promise.all(found.map(([name, folder]) => summarize(name, folder)));
}

async function summarize(name: string, folder: RunFolder): Promise<RunSummary> {
  const saved = (await listCheckpoints(folder.checkpoints)).at(-1)?.step ?? 0;
  const unread = { name, saved, steps: 0, step: 0, images: 0, seconds: 0 };
  try {
    const config = await readRunConfig(folder);
    const { last, best } = await lastAndBest(folder);
    const { step = 0, images = 0, seconds = 0, denoising } = last ?? {};
    const steps = config?.train.steps ?? 0;
    return {
      ...unread,
      ...(await readPhase(folder, saved, steps)),
      steps,
      step,
      images,
      seconds,
      ...(denoising === undefined ? {} : { denoising }),
      ...(best === undefined ? {} : { best: { step: best.step, denoising: best.denoising } }),
    };
  } catch (error) {
    return { ...unread, state: 'broken', note: (error as Error).message };
  }
}

/** The newest row, and the one with the lowest denoising loss. */
async function lastAndBest({ stats }: RunFolder): Promise<{ last?: StatsRow; best?: StatsRow }> {
  let [last, best]: (StatsRow | undefined)[] = [];
  for await (const row of statsRows(stats)) {
    last = row;
    if (Number.isFinite(row.denoising) && !(best && best.denoising <= row.denoising)) best = row;
  }
  return { ...(last && { last }), ...(best && { best }) };
}

async function readPhase(
  folder: RunFolder,
  saved: number,
  steps: number,
): Promise<Pick<RunSummary, 'state' | 'note'>> {
  const holder = await readHolder(folder.lock);
  if (holder !== undefined && isAlive(holder) !== false) {
    return { state: 'running', note: `process ${holder.pid} on ${holder.host} since ${holder.since}` };
  }
  const dump = (await listCheckpoints(folder.broken)).at(-1);
  if (dump !== undefined && dump.step >= saved) {
    return { state: 'broken', note: `not finite after step ${dump.step}: ahpa replay ${dump.path}` };
  }
  return { state: saved >= steps ? 'complete' : 'stopped' };
}
