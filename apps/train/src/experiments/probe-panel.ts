/** The panel of a probe, as a Vega-Lite specification. */
import { type Panel, SIZE } from '../records/panels.ts';
import type { Probe } from '../records/probe-file.ts';

/** The gap of every target of a probe: how much of what is recoverable at all each block lacks at each noise. */
export function probePanel({ targets, bins }: Probe): Panel {
  const titled = targets.map(({ name, kind, gap }) => ({
    title: kind === 'level' ? name : `${name}, added`,
    gap,
  }));
  const values = titled.flatMap(({ title, gap }) =>
    gap.flatMap((row, block) =>
      row.map((value, bin) => ({
        title,
        block: block + 1,
        t: `${(bin / bins).toFixed(2)}–${((bin + 1) / bins).toFixed(2)}`,
        gap: value,
      })),
    ),
  );
  return {
    title: 'Gap 1 − R² / ceiling: what a linear readout of the hidden tokens lacks',
    data: { values },
    facet: {
      column: { field: 'title', type: 'nominal', sort: titled.map(({ title }) => title), title: null },
    },
    spacing: 14,
    spec: {
      width: 140,
      height: SIZE.height,
      mark: { type: 'rect' },
      encoding: {
        x: { field: 't', type: 'ordinal', title: 'time t', axis: { labelAngle: 0 } },
        y: { field: 'block', type: 'ordinal', title: 'block', sort: 'descending' },
        color: {
          field: 'gap',
          type: 'quantitative',
          scale: { scheme: 'magma', domain: [0, 1] },
          legend: { title: 'gap' },
        },
      },
    },
  };
}
