/** From the trainer's metrics to a row of the run's record. */
import { ROUTE_TIMES } from '@ahpa/alignment-losses';
import type { Row } from '@ahpa/trainer';
import type { StatsRow } from './stats.ts';

/** The speed since the last row; null where no time passed. */
export interface Speed {
  readonly stepsPerSecond: number;
  readonly imagesPerSecond: number;
  /** The transformer's floating-point operations over those of square matrix products in the same time; compiled steps only. */
  readonly matmulShare?: number;
  /** Resident memory of the process, MB. */
  readonly memory: number;
}

/** Step, images, wall time and speed of a row. */
export interface Moment extends Speed {
  readonly step: number;
  readonly images: number;
  readonly seconds: number;
}

/** A row, with the metrics that the plots leave out. */
export interface RunRow extends StatsRow {
  /** Denoising loss in ten equal bins of t; null where no item fell. */
  readonly denoisingByTime: readonly number[];
  /** Share of the steps that were applied; the others had a gradient that was not finite. */
  readonly applied: number;
}

const GROUP = 'alignment.group.';

/** The row of a report; `aligned` is whether there is an alignment loss. */
export function statsRow(moment: Moment, row: Row, aligned: boolean): RunRow {
  const number = (name: string): number => row[name] as number;
  const groups = Object.keys(named(row, GROUP));
  const { denoisingByTime, 'alignment.route': route } = row;
  return {
    ...moment,
    loss: number('loss'),
    denoising: number('denoisingLoss'),
    ...(aligned ? alignmentColumns(row, groups) : {}),
    gradNorm: number('gradNorm'),
    learningRate: number('learningRate'),
    ...Object.fromEntries(groups.map((group) => [`group.${group}`, number(GROUP + group)])),
    denoisingByTime: denoisingByTime as readonly number[],
    applied: number('applied'),
    ...(route === undefined ? {} : { route: routeColumns(route as readonly number[], groups) }),
  };
}

/** Every metric under a prefix, by the rest of its name. */
function named<T = number>(row: Row, prefix: string): Record<string, T> {
  const entries = Object.entries(row).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
  );
  return Object.fromEntries(entries) as Record<string, T>;
}

/** The columns of an alignment beside the losses of its groups. */
function alignmentColumns(row: Row, groups: readonly string[]): Partial<StatsRow> {
  const byTime = named<readonly number[]>(row, 'alignment.groupByTime.');
  const {
    'alignment.marginals': marginals,
    'alignment.routerEntropy': routerEntropy,
    'alignment.maxLogit': maxLogit,
  } = row;
  const gradients = named(row, 'gradient.');
  return {
    alignment: row['alignmentLoss'] as number,
    alignmentWeight: row['alignmentWeight'] as number,
    ...(groups.length === 0 ? {} : { groupByTime: byTime }),
    ...(marginals === undefined
      ? {}
      : {
          marginals: Object.fromEntries(
            groups.map((group, g) => [group, (marginals as readonly number[])[g]]),
          ),
          routerEntropy,
          ...(maxLogit === undefined ? {} : { maxLogit }),
        }),
    ...(Object.keys(gradients).length === 0
      ? {}
      : {
          gradients: {
            norm: gradients,
            cosine: named(row, 'gradientCosine.'),
            cosineByTime: named(row, 'gradientCosineByTime.'),
            parameters: named(row, 'gradNorm.'),
          },
        }),
  } as Partial<StatsRow>;
}

/** `values [times, groups]`, flat, by group. */
function routeColumns(values: readonly number[], groups: readonly string[]): NonNullable<StatsRow['route']> {
  const column = (g: number): number[] => ROUTE_TIMES.map((_, i) => values[i * groups.length + g] as number);
  return { t: ROUTE_TIMES, weights: Object.fromEntries(groups.map((group, g) => [group, column(g)])) };
}
