/** The panels of one run's alignment: router weights, and gradients at the hidden tokens, over steps and noise. */

import { COLOURS, type Panel, SIZE, STEPS } from '../records/panels.ts';
import { groupNames, type StatsRow } from '../records/stats.ts';

/** Points of a curve, at most. */
const POINTS = 120;

type Series = Readonly<Record<string, number>>;

/** Everything that the rows report of an alignment beyond its losses; panels without data are left out. */
export function alignmentPanels(rows: readonly StatsRow[]): Panel[] {
  return [
    lines('Mean router weight of each group', 'weight', rows, ({ marginals }) => marginals),
    lines('Entropy of the router, nats', 'entropy', rows, ({ routerEntropy }) =>
      routerEntropy === undefined ? undefined : { entropy: routerEntropy },
    ),
    lines('Weight of the alignment in the loss', 'weight', rows, ({ alignmentWeight }) =>
      alignmentWeight === undefined ? undefined : { weight: alignmentWeight },
    ),
    lines('Norm of gradients at the hidden tokens', 'norm', rows, ({ gradients }) => gradients?.norm),
    lines('Cosine with the denoising gradient', 'cosine', rows, ({ gradients }) => gradients?.cosine),
    byTime('Distance to each group by time, latest', 'distance', rows, ({ groupByTime }) => groupByTime),
    byTime(
      'Cosine with the denoising gradient by time, latest',
      'cosine',
      rows,
      ({ gradients }) => gradients?.cosineByTime,
    ),
  ].filter((panel) => panel !== undefined);
}

/** A line for each series over steps; undefined where no row has any. */
function lines(
  title: string,
  unit: string,
  rows: readonly StatsRow[],
  of: (row: StatsRow) => Series | undefined,
): Panel | undefined {
  const known = rows.filter((row) => of(row) !== undefined);
  if (known.length === 0) return undefined;
  const stride = Math.ceil(known.length / POINTS);
  const values = known
    .filter((_, i) => (known.length - 1 - i) % stride === 0)
    .flatMap((row) =>
      Object.entries(of(row) as Series).map(([series, value]) => ({ step: row.step, series, value })),
    );
  return {
    ...SIZE,
    title,
    data: { values },
    mark: { type: 'line', strokeWidth: 1.6 },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step', axis: { ...STEPS, tickCount: 6 } },
      y: { field: 'value', type: 'quantitative', title: unit, scale: { zero: false } },
      color: colours(
        rows,
        values.map(({ series }) => series),
      ),
    },
  };
}

/** A line for each series over t, from the newest row that has them; undefined where none has. */
function byTime(
  title: string,
  unit: string,
  rows: readonly StatsRow[],
  of: (row: StatsRow) => Readonly<Record<string, readonly (number | null)[]>> | undefined,
): Panel | undefined {
  const newest = rows.map(of).findLast((series) => series !== undefined && Object.keys(series).length > 0);
  if (newest === undefined) return undefined;
  const values = Object.entries(newest).flatMap(([series, bins]) =>
    bins.flatMap((value, bin) => (value === null ? [] : [{ series, t: (bin + 0.5) / bins.length, value }])),
  );
  return {
    ...SIZE,
    title,
    data: { values },
    mark: { type: 'line', point: true, strokeWidth: 1.6 },
    encoding: {
      x: { field: 't', type: 'quantitative', title: 'time t (0 data, 1 noise)', scale: { domain: [0, 1] } },
      y: { field: 'value', type: 'quantitative', title: unit, scale: { zero: false } },
      color: colours(
        rows,
        values.map(({ series }) => series),
      ),
    },
  };
}

/** Groups have the same colours in every panel of a run. */
function colours(rows: readonly StatsRow[], series: readonly string[]): Panel {
  const groups = groupNames(rows).filter((group) => series.includes(group));
  const domain = [...new Set([...groups, ...series])];
  const range = domain.map((_, i) => COLOURS[i % COLOURS.length]);
  return { field: 'series', type: 'nominal', title: null, scale: { domain, range } };
}
