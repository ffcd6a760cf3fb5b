/** The metrics by which runs are compared, from their records. */

import { summarize } from '../records/held-out-loss.ts';
import type { StatsRow } from '../records/stats.ts';
import type { RunRow } from '../records/stats-row.ts';
import type { RunRecord } from './read-runs.ts';

/** Share of a run, at its end, over which losses are averaged. */
const TAIL = 0.1;

/** A metric of a run. */
export interface RunMetric {
  readonly title: string;
  /** Undefined where the run has not reported it. */
  of(run: RunRecord): number | undefined;
}

/** The rows of a run's last tenth, by steps. */
function tailRows(rows: readonly StatsRow[]): readonly StatsRow[] {
  const last = rows.at(-1)?.step ?? 0;
  return rows.filter(({ step }) => step > last * (1 - TAIL));
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean denoising loss in each bin of time over the last tenth; null where no item fell. */
export function lossByTime({ rows }: RunRecord): (number | null)[] {
  const tail = tailRows(rows) as readonly RunRow[];
  const bins = tail[0]?.denoisingByTime.length ?? 0;
  return Array.from({ length: bins }, (_, bin) => {
    const known = tail.flatMap(({ denoisingByTime }) => denoisingByTime[bin] ?? []);
    return mean(known) ?? null;
  });
}

/** Metrics in the table of arms: losses, and every metric of an evaluation of the runs. */
export function runMetrics(runs: readonly RunRecord[]): RunMetric[] {
  const figures = [...new Set(runs.flatMap((run) => Object.keys(run.figures)))];
  const metrics: RunMetric[] = [
    {
      title: 'training loss, last tenth',
      of: ({ rows }) => mean(tailRows(rows).map(({ denoising }) => denoising)),
    },
    { title: 'held-out loss', of: ({ heldOut }) => heldOut && summarize(heldOut).mean },
    ...figures.map((title) => ({ title, of: (run: RunRecord) => run.figures[title] })),
  ];
  return metrics.filter(({ of }) => runs.some((run) => of(run) !== undefined));
}
