/** From the trainer's metrics to a row of the run's record. */
import type { Row } from '@ahpa/trainer';
import type { StatsRow } from '../data/stats.ts';
import { ROUTE_TIMES } from '../variants/ahpa.ts';

/** When a row was measured. */
export interface Moment {
  readonly step: number;
  readonly images: number;
  readonly seconds: number;
}

/** A row, and what the plots do not show. */
export interface RunRow extends StatsRow {
  /** Denoising loss in ten equal bins of t; null where no item fell. */
  readonly denoisingByTime: readonly number[];
  /** Share of the steps that were applied; the others had a gradient that was not finite. */
  readonly applied: number;
}

const GROUP = 'alignment.group.';

/** The row of a report; `aligned` tells whether there is an alignment loss. */
export function statsRow(moment: Moment, row: Row, aligned: boolean): RunRow {
  const number = (name: string): number => row[name] as number;
  const groups = Object.keys(row).flatMap((key) => (key.startsWith(GROUP) ? [key.slice(GROUP.length)] : []));
  const named = groups.map((group) => [`group.${group}`, number(GROUP + group)]);
  const { denoisingByTime, 'alignment.route': route } = row;
  return {
    ...moment,
    loss: number('loss'),
    denoising: number('denoisingLoss'),
    ...(aligned ? { alignment: number('alignmentLoss') } : {}),
    gradNorm: number('gradNorm'),
    learningRate: number('learningRate'),
    ...Object.fromEntries(named),
    denoisingByTime: denoisingByTime as readonly number[],
    applied: number('applied'),
    ...(route === undefined ? {} : { route: routeOf(route as readonly number[], groups) }),
  };
}

/** `values [times, groups]`, flat, by group. */
function routeOf(values: readonly number[], groups: readonly string[]): NonNullable<StatsRow['route']> {
  const column = (g: number): number[] => ROUTE_TIMES.map((_, i) => values[i * groups.length + g] as number);
  return { t: ROUTE_TIMES, weights: Object.fromEntries(groups.map((group, g) => [group, column(g)])) };
}
