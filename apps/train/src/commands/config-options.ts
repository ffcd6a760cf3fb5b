/** The options with which a command takes a configuration. */
import { type Command, Option } from 'commander';
import { BACKENDS, type BackendName } from '../backend.ts';
import { loadConfig } from '../config/load.ts';
import type { TrainConfig } from '../config/types.ts';

/** Their values. */
export interface ConfigOptions {
  readonly config?: readonly string[];
  readonly variant?: readonly string[];
  readonly set?: readonly string[];
  readonly backend?: BackendName;
  readonly eager?: boolean;
}

/** `--backend`, for every command that computes. */
export const backendOption = (): Option => new Option('--backend <name>', 'what computes').choices(BACKENDS);

/** Adds `--config` and `--set`. */
export function withConfig(command: Command): Command {
  return command
    .option('--config <name...>', 'configurations, later ones win: built-in names or paths of .json files')
    .option('--variant <package...>', 'installed packages of variants, over the configurations')
    .option('--set <key=value...>', 'single keys, for example optim.learningRate=1e-4');
}

/** Adds what else a command takes that trains. */
export function withTraining(command: Command): Command {
  return command
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .addOption(backendOption())
    .option('--eager', 'run operation by operation instead of compiling the step');
}

/** The resolved configuration; `names` are used where the command line names none. */
export function configOf(options: ConfigOptions, names: readonly string[] = []): TrainConfig {
  const { config = names, variant = [], set = [], backend, eager } = options;
  const flags = [...(backend ? [`train.backend=${backend}`] : []), ...(eager ? ['train.eager=true'] : [])];
  return loadConfig({ names: [...config, ...variant], set: [...set, ...flags] });
}
