/** Runs gathered into arms: those that differ in their seed alone. */
import { userError } from '@ahpa/messages';
import {
  type ArmValues,
  type Estimate,
  estimate,
  type PairedDifference,
  pairedDifference,
} from './paired-difference.ts';
import type { RunRecord } from './read-runs.ts';
import { type RunMetric, runMetrics } from './run-metrics.ts';

/** One row of the table of arms. */
export interface ArmRow {
  readonly arm: string;
  readonly runs: number;
  /** Fewest steps that one of its runs has done. */
  readonly steps: number;
  /** Its value of each metric, and the difference from the baseline's; absent where unknown. */
  readonly figures: readonly {
    readonly title: string;
    readonly value: Estimate | undefined;
    readonly difference: PairedDifference | undefined;
  }[];
}

/** Names of the arms, the baseline first. */
export function armNames(runs: readonly RunRecord[], baseline: string | undefined): string[] {
  const names = [...new Set(runs.map(({ arm }) => arm))];
  const first = baseline ?? (names.includes('none') ? 'none' : names[0]);
  if (first === undefined || !names.includes(first)) {
    throw userError(`There is no arm "${first}": wanted one of ${names.join(', ')} for --baseline.`);
  }
  return [first, ...names.filter((name) => name !== first)];
}

/** The table of arms, the baseline first. */
export function armTable(runs: readonly RunRecord[], arms: readonly string[]): ArmRow[] {
  const metrics = runMetrics(runs);
  return arms.map((arm) => {
    const own = runs.filter((run) => run.arm === arm);
    const figures = metrics.map((metric) => {
      const values = valuesBySeed(runs, arm, metric);
      return {
        title: metric.title,
        value: values.size === 0 ? undefined : estimate([...values.values()]),
        difference:
          arm === arms[0]
            ? undefined
            : pairedDifference(values, valuesBySeed(runs, arms[0] as string, metric)),
      };
    });
    return {
      arm,
      runs: own.length,
      steps: Math.min(...own.map(({ rows }) => rows.at(-1)?.step ?? 0)),
      figures,
    };
  });
}

function valuesBySeed(runs: readonly RunRecord[], arm: string, metric: RunMetric): ArmValues {
  const values = new Map<number, number>();
  for (const run of runs) {
    const value = run.arm === arm ? metric.of(run) : undefined;
    if (value !== undefined) values.set(run.seed, value);
  }
  return values;
}
