/** The panels of a run's plot, as Vega-Lite specifications. */
import type { StatsRow } from './stats.ts';

/** A Vega-Lite view; its own types are too wide to build piece by piece. */
export type Panel = Readonly<Record<string, unknown>>;

/** Of a panel, in pixels. */
export const SIZE: { readonly width: number; readonly height: number } = { width: 400, height: 220 };
const MOST_POINTS = 300;
const MOST_COLUMNS = 60;
const TOTAL = 'all groups';
/** Axis of steps. */
export const STEPS: Panel = { labelExpr: "format(datum.value, '~s')", labelFlush: false };
/** Of series, in order. */
export const COLOURS: readonly string[] = ['#4c78a8', '#f58518', '#54a24b', '#b279a2', '#e45756', '#72b7b2'];

/** The denoising loss over steps. */
export function denoisingPanel(rows: readonly StatsRow[]): Panel {
  const line = { type: 'line', strokeWidth: 1.8, color: '#333333' };
  return { title: 'Denoising loss', mark: line, ...lossOverSteps(averaged(rows, 'denoising', TOTAL)) };
}

/** The alignment loss of every group and of all together, over steps. */
export function alignmentPanel(rows: readonly StatsRow[], groups: readonly string[]): Panel {
  const points = [
    ...averaged(rows, 'alignment', TOTAL),
    ...groups.flatMap((group) => averaged(rows, `group.${group}`, group)),
  ];
  const panel = lossOverSteps(points);
  const encoding = { ...panel.encoding, color: groupColours(groups, true) };
  return { title: 'Alignment loss', mark: { type: 'line', strokeWidth: 1.8 }, ...panel, encoding };
}

/** The router's latest weight of every group over time. */
export function routePanel(rows: readonly StatsRow[], groups: readonly string[]): Panel {
  const latest = rows.at(-1) as StatsRow;
  return {
    ...SIZE,
    title: `Router weights at step ${latest.step}`,
    data: { values: routeCells([latest], groups) },
    mark: { type: 'line', strokeWidth: 2.2 },
    encoding: {
      x: { field: 't', type: 'quantitative', title: 'time t (0 data, 1 noise)', scale: { domain: [0, 1] } },
      y: { field: 'weight', type: 'quantitative', title: 'weight', scale: { domain: [0, 1] } },
      color: groupColours(groups, false),
    },
  };
}

/** The router's weights over training: one map of time against step for every group. */
export function routeHistoryPanel(rows: readonly StatsRow[], groups: readonly string[]): Panel {
  const gap = 14;
  const stride = Math.ceil(rows.length / MOST_COLUMNS);
  const kept = rows.filter((_, index) => (rows.length - 1 - index) % stride === 0);
  const color = { field: 'weight', type: 'quantitative', scale: { scheme: 'viridis', domain: [0, 1] } };
  return {
    title: 'Router weights over training',
    data: { values: routeCells(kept, groups) },
    facet: { column: { field: 'group', type: 'nominal', sort: groups, title: null } },
    spacing: gap,
    spec: {
      width: Math.floor((SIZE.width - gap * (groups.length - 1)) / groups.length),
      height: SIZE.height - 20,
      mark: { type: 'rect', strokeWidth: 0.6 },
      encoding: {
        x: {
          field: 'from',
          type: 'quantitative',
          title: 'step',
          axis: { ...STEPS, tickCount: 3 },
          scale: { nice: false },
        },
        x2: { field: 'to' },
        y: { field: 'low', type: 'quantitative', title: 'time t', axis: { tickCount: 5 } },
        y2: { field: 'high' },
        color: { ...color, legend: { title: 'weight', gradientLength: 120 } },
        stroke: { ...color, legend: null },
      },
    },
  };
}

interface Point {
  readonly step: number;
  readonly value: number;
  readonly series: string;
}

/** Means over consecutive rows, at most `MOST_POINTS` of them, so that long runs stay readable. */
function averaged(
  rows: readonly StatsRow[],
  key: 'denoising' | 'alignment' | `group.${string}`,
  series: string,
): Point[] {
  const points: Point[] = [];
  const stride = Math.ceil(rows.length / MOST_POINTS);
  for (let start = 0; start < rows.length; start += stride) {
    const part = rows.slice(start, start + stride);
    const values = part.flatMap((row) => row[key] ?? []);
    const value = values.reduce((sum, x) => sum + x, 0) / values.length;
    if (values.length > 0) points.push({ step: (part.at(-1) as StatsRow).step, value, series });
  }
  return points;
}

function lossOverSteps(points: readonly Point[]): Panel & { readonly encoding: Panel } {
  const encoding = {
    x: { field: 'step', type: 'quantitative', title: 'step', axis: { ...STEPS, tickCount: 6 } },
    y: { field: 'value', type: 'quantitative', title: 'loss', scale: { zero: false } },
  };
  return { ...SIZE, data: { values: points }, encoding };
}

function groupColours(groups: readonly string[], withTotal: boolean): Panel {
  const domain = withTotal ? [TOTAL, ...groups] : groups;
  const range = withTotal ? ['#333333', ...COLOURS] : COLOURS;
  return {
    field: withTotal ? 'series' : 'group',
    type: 'nominal',
    title: null,
    scale: { domain, range: domain.map((_, index) => range[index % range.length]) },
  };
}

/** One rectangle of (step, time) for every weight; edges lie midway between neighbouring times. */
function routeCells(rows: readonly StatsRow[], groups: readonly string[]): Panel[] {
  return rows.flatMap(({ step, route }, index) => {
    const t = route?.t ?? [];
    const from = rows[index - 1]?.step ?? 0;
    return groups.flatMap((group) =>
      t.map((time, i) => ({
        group,
        t: time,
        weight: route?.weights[group]?.[i] ?? null,
        from,
        to: step,
        low: i === 0 ? 0 : (time + (t[i - 1] as number)) / 2,
        high: i === t.length - 1 ? 1 : (time + (t[i + 1] as number)) / 2,
      })),
    );
  });
}
