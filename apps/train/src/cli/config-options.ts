/** The options with which a command takes a configuration. */
import { BACKENDS, type BackendName } from '@ahpa/engine';
import { type Command, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { REPA_FLAGS, repaAssignments } from '../config/repa-flags.ts';
import type { TrainConfig } from '../config/types.ts';
import type { Reporter } from './reporter.ts';

/** Their values. */
export interface ConfigOptions {
  readonly config?: readonly string[];
  readonly variant?: readonly string[];
  readonly set?: readonly string[];
  readonly backend?: BackendName;
  readonly eager?: boolean;
}

/** `--backend`, for every command that computes. */
export const backendOption = (): Option =>
  new Option('--backend <name>', 'compute backend').choices(BACKENDS);

/** Adds `--config` and `--set`. */
export function withConfig(command: Command): Command {
  return command
    .option(
      '--config <name...>',
      'configurations, later ones win: built-in names or paths of .json or .yaml files',
    )
    .option('--variant <package...>', 'installed packages of variants, over the configurations')
    .option('--set <key=value...>', 'single keys, for example optim.learningRate=1e-4');
}

/** Adds the other options of a command that trains. */
export function withTraining(command: Command): Command {
  return command
    .option('--runs <folder>', 'folder of the runs', 'runs')
    .addOption(backendOption())
    .option('--eager', 'run operation by operation instead of compiling the step');
}

/** Adds the options of REPA's train.py. */
export function withRepaFlags(command: Command): Command {
  const add = (flags: string, description: string): void => {
    command.addOption(new Option(flags, description).helpGroup("Options of REPA's train.py:"));
  };
  for (const { name, isSwitch, description } of REPA_FLAGS) {
    add(isSwitch ? `--${name}` : `--${name} <value>`, description);
    if (isSwitch) add(`--no-${name}`, description);
  }
  for (const [place, names] of Object.entries(REPA_PLACES)) {
    for (const name of names) add(`--${name} <value>`, `--${place}`);
  }
  return command;
}

/** REPA's options for the name and folder of a run, by ours; its own are the ones with underscores. */
const REPA_PLACES = { name: ['exp_name', 'exp-name'], runs: ['output_dir', 'output-dir'] } as const;

/** Name and folder of a run where they were given by REPA's names. */
export function repaPlace(options: object): { readonly name?: string; readonly runs?: string } {
  const found = Object.entries(REPA_PLACES).flatMap(([place, names]) =>
    names.flatMap((name) => {
      const value = optionText(options, name);
      return value === undefined ? [] : [[place, value]];
    }),
  );
  return Object.fromEntries(found);
}

/** Value of an option, as text. */
function optionText(options: object, name: string): string | undefined {
  const value = (options as Readonly<Record<string, unknown>>)[new Option(`--${name}`).attributeName()];
  return value === undefined ? undefined : String(value);
}

/** The assignments that the given options of REPA's stand for. */
function repaFlags(options: object): string[] {
  const values = REPA_FLAGS.flatMap(({ name }) => {
    const value = optionText(options, name);
    return value === undefined ? [] : [[name, value]];
  });
  return repaAssignments(Object.fromEntries(values));
}

/** What a command adds to the configuration of its command line. */
export interface ConfigExtras {
  /** Used where the command line names no configuration. */
  readonly names?: readonly string[];
  /** The configuration that options change, in place of the built-in ones. */
  readonly over?: TrainConfig;
  /** Assignments that win over all others. */
  readonly changes?: readonly string[];
}

/** The resolved configuration; old names of keys are reported. */
export function resolveConfig(
  options: ConfigOptions,
  { warn }: Pick<Reporter, 'warn'>,
  { names = [], over, changes = [] }: ConfigExtras = {},
): TrainConfig {
  const { config = names, variant = [], set = [], backend, eager } = options;
  const flags = [...(backend ? [`train.backend=${backend}`] : []), ...(eager ? ['train.eager=true'] : [])];
  const assignments = [...set, ...repaFlags(options), ...flags, ...changes];
  return loadConfig({ names: [...config, ...variant], set: assignments, ...(over && { over }) }, warn);
}
