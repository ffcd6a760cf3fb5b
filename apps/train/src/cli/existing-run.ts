/** The run that `ahpa train` means: a new one, or one that exists and goes on, with changes of its configuration. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import type { Command } from 'commander';
import { leaves } from '../config/changes.ts';
import { layerOf } from '../config/layers.ts';
import { renameKeys } from '../config/rename-keys.ts';
import type { TrainConfig } from '../config/types.ts';
import { readRunConfig, runFolder } from '../records/folder.ts';
import type { Continuation } from '../run/start.ts';
import { type ConfigOptions, resolveConfig } from './config-options.ts';
import { count, integer } from './numbers.ts';
import type { Reporter } from './reporter.ts';

/** Values of the options of an existing run. */
export interface ExistingRunOptions extends ConfigOptions {
  readonly runs: string;
  readonly run?: string;
  readonly at?: number;
  readonly change?: readonly string[];
  readonly steps?: number;
}

/** Folder, configuration and continuation of a run. */
export interface ChosenRun {
  readonly root: string;
  readonly config: TrainConfig;
  readonly continuation: Continuation;
}

/** Adds the options of an existing run. */
export function withExistingRun(command: Command): Command {
  return command
    .option('--run <run>', 'existing run to continue with its own configuration, by name or folder')
    .option('--change <key=value...>', 'change the recipe of an existing run from here on; recorded in it')
    .option('--steps <count>', 'length of the run, also to extend one; as train.steps', count)
    .option('--at <step>', 'checkpoint of an existing run to continue from (default: the newest)', integer);
}

/**
 * The run in folder `root`, or the one of `--run`. An existing run keeps its recorded configuration where the command line names none.
 * @throws where options of an existing run are given and there is none.
 */
export async function chooseRun(
  options: ExistingRunOptions,
  newRoot: () => string,
  reporter: Reporter,
): Promise<ChosenRun> {
  const { run, runs, at, steps, change = [] } = options;
  const root = run === undefined ? newRoot() : findRunFolder(run, runs);
  const recorded = await readRunConfig(runFolder(root));
  const [given] = [...(change.length > 0 ? ['--change'] : []), ...(at === undefined ? [] : ['--at'])];
  if (recorded === undefined && given !== undefined)
    throw userError(`There is no run at ${root}, which ${given} is for: use --set for a new one.`);
  const changes = [...change, ...(steps === undefined ? [] : [`train.steps=${steps}`])];
  const named = options.config ?? options.variant;
  const over = named === undefined ? recorded : undefined;
  const config = resolveConfig(options, reporter, { changes, ...(over && { over }) });
  return { root, config, continuation: { named: namedKeys(changes), ...(at !== undefined && { at }) } };
}

function findRunFolder(run: string, runs: string): string {
  const places = [run, join(runs, run)];
  const found = places.find((path) => existsSync(runFolder(path).config));
  if (found !== undefined) return found;
  throw userError(`There is no run at ${places.join(' or ')}: name another --run, or start one with --name.`);
}

/** The keys of assignments as they are written, and under their present names. */
function namedKeys(assignments: readonly string[]): string[] {
  const written = assignments.map((assignment) => assignment.split('=')[0] as string);
  return [...written, ...leaves(renameKeys(layerOf(assignments))).keys()];
}
