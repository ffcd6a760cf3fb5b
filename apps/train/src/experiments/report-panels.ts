/** The panels of a report over several runs, as Vega-Lite specifications. */

import { pairedLoss } from '../records/held-out-loss.ts';
import { COLOURS, type Panel, SIZE, STEPS } from '../records/panels.ts';
import type { StatsRow } from '../records/stats.ts';
import { estimate } from './paired-difference.ts';
import type { RunRecord } from './read-runs.ts';
import { lossByTime } from './run-metrics.ts';

/** Windows into which a run is cut for curves. */
const WINDOWS = 60;

/** The denoising loss of every run, coloured by arm. */
export function lossPanel(runs: readonly RunRecord[], arms: readonly string[]): Panel {
  const values = runs.flatMap(({ arm, seed, rows }) =>
    windows(rows, lastStep(runs)).map(({ step, value }) => ({ arm, run: `${arm}/${seed}`, step, value })),
  );
  return {
    ...SIZE,
    title: 'Denoising loss, a line a run',
    data: { values },
    mark: { type: 'line', strokeWidth: 1.4, opacity: 0.8 },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step', axis: { ...STEPS, tickCount: 6 } },
      y: { field: 'value', type: 'quantitative', title: 'loss', scale: { zero: false } },
      color: armColours(arms),
      detail: { field: 'run' },
    },
  };
}

/** Loss minus the baseline's of the same seed: mean over seeds, and a band of one standard error. */
export function differencePanel(runs: readonly RunRecord[], arms: readonly string[]): Panel {
  const end = lastStep(runs);
  const curves = new Map(
    runs.map(({ arm, seed, rows }) => [
      `${arm}/${seed}`,
      new Map(windows(rows, end).map((w) => [w.step, w.value])),
    ]),
  );
  const values = arms.slice(1).flatMap((arm) => {
    const seeds = runs.filter((run) => run.arm === arm).map(({ seed }) => seed);
    const steps = [...(curves.get(`${arm}/${seeds[0]}`)?.keys() ?? [])];
    return steps.flatMap((step) => {
      const differences = seeds.flatMap((seed) => {
        const [own, other] = [arm, arms[0]].map((name) => curves.get(`${name}/${seed}`)?.get(step));
        return own === undefined || other === undefined ? [] : [own - other];
      });
      if (differences.length === 0) return [];
      const { mean, standardError = 0 } = estimate(differences);
      return [{ arm, step, mean, low: mean - standardError, high: mean + standardError }];
    });
  });
  const x = { field: 'step', type: 'quantitative', title: 'step', axis: { ...STEPS, tickCount: 6 } };
  const color = armColours(arms);
  return {
    ...SIZE,
    title: `Denoising loss minus that of ${arms[0]}, paired by seed`,
    data: { values },
    layer: [
      {
        mark: { type: 'area', opacity: 0.2 },
        encoding: { x, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' }, color },
      },
      {
        mark: { type: 'line', strokeWidth: 1.8 },
        encoding: { x, y: { field: 'mean', type: 'quantitative', title: 'difference' }, color },
      },
      { mark: { type: 'rule', color: '#888888' }, encoding: { y: { datum: 0 } } },
    ],
  };
}

/** Loss minus the baseline's in each bin of time, over the last tenth: the effect of an arm by noise level. */
export function timePanel(runs: readonly RunRecord[], arms: readonly string[]): Panel {
  const byRun = new Map(runs.map((run) => [`${run.arm}/${run.seed}`, lossByTime(run)]));
  const values = runs.flatMap(({ arm, seed }) => {
    if (arm === arms[0]) return [];
    const own = byRun.get(`${arm}/${seed}`) ?? [];
    const other = byRun.get(`${arms[0]}/${seed}`) ?? [];
    return own.flatMap((value, bin) => {
      const base = other[bin];
      if (value === null || base === null || base === undefined) return [];
      return [{ arm, t: (bin + 0.5) / own.length, difference: value - base }];
    });
  });
  return {
    ...SIZE,
    title: `Loss minus that of ${arms[0]} by time, last tenth`,
    data: { values },
    layer: [
      {
        mark: { type: 'line', point: true, strokeWidth: 1.6 },
        encoding: {
          x: {
            field: 't',
            type: 'quantitative',
            title: 'time t (0 data, 1 noise)',
            scale: { domain: [0, 1] },
          },
          y: { field: 'difference', type: 'quantitative', aggregate: 'mean', title: 'difference' },
          color: armColours(arms),
        },
      },
      { mark: { type: 'rule', color: '#888888' }, encoding: { y: { datum: 0 } } },
    ],
  };
}

/** Held-out loss minus the baseline's in each bin of time, for one seed: mean over examples, and a band of two standard errors. */
export function heldOutPanel(runs: readonly RunRecord[], arms: readonly string[]): Panel | undefined {
  const base = runs.find(({ arm, heldOut }) => arm === arms[0] && heldOut !== undefined);
  const values = arms.slice(1).flatMap((arm) => {
    const own = runs.find((run) => run.arm === arm && run.seed === base?.seed && run.heldOut !== undefined);
    if (base?.heldOut === undefined || own?.heldOut === undefined || own.heldOut.n !== base.heldOut.n)
      return [];
    return pairedLoss(own.heldOut, base.heldOut).byTime.map(({ mean, standardError }, bin, { length }) => ({
      arm,
      t: (bin + 0.5) / length,
      mean,
      low: mean - 2 * standardError,
      high: mean + 2 * standardError,
    }));
  });
  if (values.length === 0) return undefined;
  const x = {
    field: 't',
    type: 'quantitative',
    title: 'time t (0 data, 1 noise)',
    scale: { domain: [0, 1] },
  };
  const color = armColours(arms);
  return {
    ...SIZE,
    title: `Held-out loss minus that of ${arms[0]}, paired by example, seed ${base?.seed}`,
    data: { values },
    layer: [
      {
        mark: { type: 'area', opacity: 0.2 },
        encoding: { x, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' }, color },
      },
      {
        mark: { type: 'line', point: true, strokeWidth: 1.6 },
        encoding: { x, y: { field: 'mean', type: 'quantitative', title: 'difference' }, color },
      },
      { mark: { type: 'rule', color: '#888888' }, encoding: { y: { datum: 0 } } },
    ],
  };
}

const lastStep = (runs: readonly RunRecord[]): number =>
  Math.max(...runs.map(({ rows }) => rows.at(-1)?.step ?? 0));

/** Mean denoising loss in equal windows of steps, the same windows for every run of a report. */
function windows(rows: readonly StatsRow[], end: number): { step: number; value: number }[] {
  const width = Math.max(1, end / WINDOWS);
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { step, denoising } of rows) {
    const index = Math.ceil(step / width);
    const { sum, count } = sums.get(index) ?? { sum: 0, count: 0 };
    sums.set(index, { sum: sum + denoising, count: count + 1 });
  }
  return [...sums].map(([index, { sum, count }]) => ({ step: index * width, value: sum / count }));
}

function armColours(arms: readonly string[]): Panel {
  const range = arms.map((_, i) => (i === 0 ? '#333333' : COLOURS[(i - 1) % COLOURS.length]));
  return { field: 'arm', type: 'nominal', title: null, scale: { domain: arms, range } };
}
