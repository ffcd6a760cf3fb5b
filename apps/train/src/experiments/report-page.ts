/** A report on runs as one self-contained HTML page: table of arms, curves, routers, samples. */
import { readFileSync } from 'node:fs';
import { showDifference } from '../config/changes.ts';
import { type Html, html, trusted } from '../files/html.ts';
import { alignmentPanel, type Panel, routeHistoryPanel, routePanel } from '../records/panels.ts';
import { renderPanels } from '../records/plot.ts';
import { groupNames } from '../records/stats.ts';
import { alignmentPanels } from './alignment-panels.ts';
import { type ArmRow, armNames, armTable } from './arms.ts';
import { POLICY } from './page-policy.ts';
import { probePanel } from './probe-panel.ts';
import type { RunRecord } from './read-runs.ts';
import { differencePanel, heldOutPanel, lossPanel, timePanel } from './report-panels.ts';
import { STYLE } from './report-style.ts';

/** Baseline and command of a page. */
export interface ReportOptions {
  /** The arm that others are compared with; default `none`, or the first. */
  readonly baseline?: string;
  /** The command that makes the page again. */
  readonly command: string;
}

/** The page. Throws where no run has reported a step. */
export async function reportPage(runs: readonly RunRecord[], options: ReportOptions): Promise<string> {
  const reported = runs.filter(({ rows }) => rows.length > 0);
  if (reported.length === 0) throw new RangeError('the runs have reported no step yet: train them first');
  const arms = armNames(reported, options.baseline);
  const comparing = arms.length > 1;
  const curves = [
    lossPanel(reported, arms),
    ...(comparing
      ? [differencePanel(reported, arms), timePanel(reported, arms), heldOutPanel(reported, arms)]
      : []),
  ];
  const first = arms.map((arm) => reported.find((run) => run.arm === arm) as RunRecord);
  const sections = [
    section('Arms', armsTable(armTable(reported, arms), arms)),
    section('Changes on the way', changesTable(reported)),
    section('Curves', await plot(curves.filter((panel) => panel !== undefined))),
    ...(await Promise.all(first.map(alignmentSection))),
    ...(await Promise.all(reported.map(probeSection))),
    section('Samples', samples(first)),
  ];
  const count = `${reported.length} ${reported.length === 1 ? 'run' : 'runs'}`;
  return document(html`<p>${count}. Made with <code>${options.command}</code>.</p>\n${sections}`);
}

/** The page while there is nothing to report. */
export const messagePage = (message: string): string => document(html`<p>${message}</p>`);

const document = (content: Html): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>AHPA report</title><style>${trusted(STYLE)}</style></head>
<body><h1>AHPA report</h1>
${content}
</body></html>
`.text;

const NOTHING = trusted('');

const section = (title: string, content: Html): Html =>
  content === NOTHING ? NOTHING : html`<section><h2>${title}</h2>${content}</section>\n`;

/** Panels as an SVG, whose library escapes the texts in it. */
const plot = async (panels: readonly Panel[]): Promise<Html> => trusted(await renderPanels(panels));

/** The alignment loss and the router of an arm's first run. */
async function alignmentSection({ arm, seed, rows }: RunRecord): Promise<Html> {
  const groups = groupNames(rows);
  const routed = rows.filter(({ route }) => route !== undefined);
  const panels: Panel[] = [];
  if (rows.some(({ alignment }) => alignment !== undefined)) panels.push(alignmentPanel(rows, groups));
  if (routed.length > 0) panels.push(routePanel(routed, groups), routeHistoryPanel(routed, groups));
  panels.push(...alignmentPanels(rows));
  return panels.length === 0 ? NOTHING : section(`Alignment of ${arm}, seed ${seed}`, await plot(panels));
}

/** Result of a run's probe. */
async function probeSection({ name, probe }: RunRecord): Promise<Html> {
  if (probe === undefined) return NOTHING;
  const { step, images, pick } = probe;
  const found = pick === undefined ? 'no group is readable' : `the widest gap has ${pick}`;
  const note = html`<p class="note">${images} images; ${found}. The gap says what is lacking, not which block to align.</p>`;
  const panel = await plot([probePanel(probe)]);
  return section(`Probe of ${name} at step ${step}`, html`${note}${panel}`);
}

function armsTable(rows: readonly ArmRow[], arms: readonly string[]): Html {
  const titles = rows[0]?.figures.map(({ title }) => title) ?? [];
  const compared = arms.length > 1;
  const head = [
    'arm',
    'runs',
    'steps',
    ...titles.flatMap((title) => (compared ? [title, `minus ${arms[0]}`] : [title])),
  ];
  const body = rows.map(({ arm, runs, steps, figures }) => [
    arm,
    runs,
    steps.toLocaleString('en'),
    ...figures.flatMap(({ value, difference }) => {
      const own = value === undefined ? '–' : withError(value.mean, value.standardError);
      return compared ? [own, difference === undefined ? '–' : withMargin(difference)] : [own];
    }),
  ]);
  const note =
    'Means over seeds ± one standard error. Differences are paired by seed, ± half the 95 % t-interval; one whose interval leaves out zero is bold. One seed gives no interval.';
  const headings = head.map((title) => html`<th>${title}</th>`);
  const lines = body.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`);
  return html`<div class="wide"><table><tr>${headings}</tr>${lines}</table></div><p class="note">${note}</p>`;
}

/** The changes of the recipes of all runs; nothing where there are none. */
function changesTable(runs: readonly RunRecord[]): Html {
  const lines = runs.flatMap(({ name, changes }) =>
    changes.map(
      (change) => html`<tr><td>${name}</td><td>${change.step}</td><td>${showDifference(change)}</td></tr>`,
    ),
  );
  if (lines.length === 0) return NOTHING;
  const head = html`<tr><th>run</th><th>after step</th><th>change</th></tr>`;
  return html`<div class="wide"><table>${head}${lines}</table></div>`;
}

const withError = (mean: number, error: number | undefined): string =>
  error === undefined ? digits(mean, mean) : `${digits(mean, mean)} ± ${digits(error, mean)}`;

/** Four decimals, fewer for values of a scale from 100 on. */
const digits = (value: number, scale: number): string => value.toFixed(Math.abs(scale) < 100 ? 4 : 1);

function withMargin({ mean, margin }: { readonly mean: number; readonly margin: number | undefined }): Html {
  const signed = `${mean < 0 ? '−' : '+'}${digits(Math.abs(mean), mean)}`;
  if (margin === undefined) return html`${signed}`;
  const text = `${signed} ± ${digits(margin, mean)}`;
  return Math.abs(mean) > margin ? html`<b>${text}</b>` : html`${text}`;
}

/** The newest grid of an arm's first run, side by side. */
function samples(runs: readonly RunRecord[]): Html {
  const figures = runs.flatMap(({ arm, samples: path }) => {
    if (path === undefined) return [];
    const image = readFileSync(path).toString('base64');
    return [
      html`<figure><img alt="samples of ${arm}" src="data:image/png;base64,${image}"><figcaption>${arm}</figcaption></figure>`,
    ];
  });
  return figures.length === 0 ? NOTHING : html`<div class="grids">${figures}</div>`;
}
