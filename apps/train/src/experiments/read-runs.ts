/** Runs as read from disk: configuration, record and newest sample grid. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { userError } from '@ahpa/messages';
import type { Change } from '../config/changes.ts';
import type { TrainConfig } from '../config/types.ts';
import { runCards } from '../evaluation/cards.ts';
import { readChanges, readRunConfig, runFolder } from '../records/folder.ts';
import { type HeldOutLoss, lossSteps, readLoss } from '../records/held-out-loss.ts';
import { type Probe, probePath } from '../records/probe-file.ts';
import { readStats, type StatsRow } from '../records/stats.ts';

/** A run as a report needs it. */
export interface RunRecord {
  /** Name of its folder. */
  readonly name: string;
  /** The name without its seed: runs of one arm differ in nothing else. */
  readonly arm: string;
  readonly seed: number;
  readonly config: TrainConfig;
  /** Changes of the configuration on the way, by step. */
  readonly changes: readonly Change[];
  readonly rows: readonly StatsRow[];
  /** The newest sample grid, and the newest probe; undefined where there is none yet. */
  readonly samples: string | undefined;
  readonly probe: Probe | undefined;
  /** The newest held-out losses, by example and bin of time. */
  readonly heldOut: HeldOutLoss | undefined;
  /** Metrics of the newest evaluation, by name. */
  readonly figures: Readonly<Record<string, number>>;
}

/** The runs that paths name: each a run, or a folder of runs. Throws where a path holds neither. */
export async function readRuns(paths: readonly string[]): Promise<RunRecord[]> {
  return Promise.all(findRuns(paths).map(readRun));
}

/** What a report reads of the runs that paths name, as far as it is there: all of it changes while they train. */
export function recordFiles(paths: readonly string[]): string[] {
  return findRuns(paths)
    .flatMap((root) => [
      runFolder(root).stats,
      runFolder(root).samples,
      probePath(root),
      join(root, 'evaluation'),
    ])
    .filter((file) => existsSync(file));
}

const findRuns = (paths: readonly string[]): string[] => [
  ...new Set(paths.flatMap((path) => runFoldersIn(resolve(path)))),
];

function runFoldersIn(path: string): string[] {
  if (existsSync(runFolder(path).config)) return [path];
  const inside = existsSync(path) && statSync(path).isDirectory() ? readdirSync(path).sort() : [];
  const runs = inside.map((name) => join(path, name)).filter((inner) => existsSync(runFolder(inner).config));
  if (runs.length > 0) return runs;
  throw userError(`${path} is no run and holds none: name a run's folder, or a folder of runs.`);
}

async function readRun(root: string): Promise<RunRecord> {
  const folder = runFolder(root);
  const config = (await readRunConfig(folder)) as TrainConfig;
  const grids = existsSync(folder.samples) ? readdirSync(folder.samples).sort() : [];
  const newest = grids.filter((file) => /^\d+\.png$/.test(file)).at(-1);
  const name = basename(root);
  const losses = await lossSteps(folder);
  return {
    name,
    arm: name.replace(/\.seed\d+$/, ''),
    seed: config.train.seed,
    config,
    changes: await readChanges(folder),
    rows: await readStats(folder.stats),
    samples: newest === undefined ? undefined : join(folder.samples, newest),
    probe: existsSync(probePath(root))
      ? (JSON.parse(readFileSync(probePath(root), 'utf8')) as Probe)
      : undefined,
    heldOut: losses.length === 0 ? undefined : await readLoss(folder, losses.at(-1) as number),
    figures: await newestFigures(root),
  };
}

/** Metrics of the newest card of a run. */
async function newestFigures(root: string): Promise<Record<string, number>> {
  const figures = (await runCards(root)).at(-1)?.figures ?? {};
  return Object.fromEntries(Object.entries(figures).map(([name, { value }]) => [name, value]));
}
