/** Plot of a run's record as one SVG: losses over steps, the router's weights over time and over training. */
import { writeDurably } from '@ahpa/checkpoint';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { alignmentPanel, denoisingPanel, type Panel, routeHistoryPanel, routePanel } from './panels.ts';
import { groupNames, type StatsRow } from './stats.ts';

const LOOK = {
  aria: false,
  font: 'sans-serif',
  title: { fontSize: 14, anchor: 'start', offset: 10 },
  axis: { gridColor: '#eeeeee', domainColor: '#888888', tickColor: '#888888', titleFontWeight: 'normal' },
  header: { labelFontSize: 11 },
  legend: { labelFontSize: 11, titleFontWeight: 'normal' },
  view: { stroke: null },
};

/** Writes an SVG of the rows; what they lack (alignment, router) is left out. Throws where there is no row. */
export async function writeRunPlot(path: string, rows: readonly StatsRow[]): Promise<void> {
  if (rows.length === 0) throw new RangeError(`${path} cannot be drawn: the run has reported no step yet`);
  const groups = groupNames(rows);
  const routed = rows.filter(({ route }) => route !== undefined);
  const panels = [denoisingPanel(rows)];
  if (rows.some(({ alignment }) => alignment !== undefined)) panels.push(alignmentPanel(rows, groups));
  if (routed.length > 0) panels.push(routePanel(routed, groups), routeHistoryPanel(routed, groups));
  await writeDurably(path, [Buffer.from(await renderPanels(panels))]);
}

/** Panels side by side, `columns` in a row, as one SVG. */
export async function renderPanels(panels: readonly Panel[], columns = 2): Promise<string> {
  const spec = {
    background: 'white',
    padding: 16,
    concat: panels,
    columns,
    align: 'each',
    spacing: { row: 32, column: 32 },
    resolve: { scale: { color: 'independent' } },
    config: LOOK,
  };
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
