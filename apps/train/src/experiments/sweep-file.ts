/** A sweep file: arms that differ in their configuration, each trained once for every seed. */
import { basename, dirname, resolve } from 'node:path';
import { userError } from '@ahpa/messages';
import { section, seedNumber } from '@ahpa/options';
import { z } from 'zod';
import { checkWith } from '../config/parse.ts';
import { CONFIG_FILE, readConfigFile } from '../config/read-file.ts';

/** Configurations and assignments of one arm, over those of the sweep, as on the command line. */
export interface Arm {
  readonly config: readonly string[];
  readonly set: readonly string[];
}

/** Content of a sweep file. */
export interface Sweep extends Arm {
  readonly name: string;
  readonly description: string;
  readonly seeds: readonly number[];
  /** The arm that the others are compared with. */
  readonly baseline: string;
  readonly arms: Readonly<Record<string, Arm>>;
}

/** One run of a sweep, named `<arm>.seed<seed>`. */
export interface SweepRun extends Arm {
  readonly name: string;
}

const layer = {
  config: z.array(z.string().min(1)).default([]).describe('Configurations, later ones win.'),
  set: z.array(z.string().min(1)).default([]).describe('Single keys, as with --set.'),
};

const schema = section({
  description: z.string().default('').describe('The question that the sweep answers.'),
  ...layer,
  seeds: z.array(seedNumber).min(1).default([0, 1, 2]).describe('One run of every arm for each.'),
  baseline: z.string().optional().describe('The arm that others are compared with; the first one.'),
  arms: z.record(z.string().regex(/^[a-z0-9][a-z0-9.-]*$/), section(layer)).describe('What is compared.'),
});

/** Reads and checks a sweep file; configurations with a path are found from its folder. */
export function readSweep(path: string): Sweep {
  const { arms, ...sweep } = checkWith(schema, readConfigFile(path), path);
  const names = Object.keys(arms);
  const { baseline = names[0] as string } = sweep;
  if (names.length === 0) throw userError(`${path}: arms is empty, wanted at least one arm.`);
  if (!names.includes(baseline)) {
    throw userError(`${path}: baseline is "${baseline}", wanted one of the arms ${names.join(', ')}.`);
  }
  const located = ({ config, set }: Arm): Arm => ({ config: config.map((name) => locate(path, name)), set });
  return {
    ...sweep,
    ...located(sweep),
    name: basename(path).replace(CONFIG_FILE, ''),
    baseline,
    arms: Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, located(arm)])),
  };
}

/** Every run, seed by seed, so that an unfinished sweep has as many whole comparisons as it can. */
export function sweepRuns({ config, set, seeds, arms }: Sweep): SweepRun[] {
  return seeds.flatMap((seed) =>
    Object.entries(arms).map(([name, arm]) => ({
      name: `${name}.seed${seed}`,
      config: [...config, ...arm.config],
      set: [...set, ...arm.set, `train.seed=${seed}`],
    })),
  );
}

const locate = (path: string, name: string): string =>
  CONFIG_FILE.test(name) ? resolve(dirname(path), name) : name;
