/** A report on runs as one self-contained HTML page: table of arms, curves, routers, samples. */
import { readFileSync } from 'node:fs';
import { escape as escapeHtml } from 'html-escaper';
import { showDifference } from '../config/changes.ts';
import { alignmentPanel, type Panel, routeHistoryPanel, routePanel } from '../records/panels.ts';
import { renderPanels } from '../records/plot.ts';
import { groupNames } from '../records/stats.ts';
import { alignmentPanels } from './alignment-panels.ts';
import { type ArmRow, armNames, armTable } from './arms.ts';
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
    section('Curves', await renderPanels(curves.filter((panel) => panel !== undefined))),
    ...(await Promise.all(first.map(alignmentSection))),
    ...(await Promise.all(reported.map(probeSection))),
    section('Samples', samples(first)),
  ];
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>AHPA report</title>',
    `<style>${STYLE}</style></head><body><h1>AHPA report</h1>`,
    `<p>${reported.length} ${reported.length === 1 ? 'run' : 'runs'}. Made with <code>${escapeHtml(options.command)}</code>.</p>`,
    ...sections,
    '</body></html>',
  ].join('\n');
}

const section = (title: string, content: string): string =>
  content === '' ? '' : `<section><h2>${escapeHtml(title)}</h2>${content}</section>`;

/** The alignment loss and the router of an arm's first run. */
async function alignmentSection({ arm, seed, rows }: RunRecord): Promise<string> {
  const groups = groupNames(rows);
  const routed = rows.filter(({ route }) => route !== undefined);
  const panels: Panel[] = [];
  if (rows.some(({ alignment }) => alignment !== undefined)) panels.push(alignmentPanel(rows, groups));
  if (routed.length > 0) panels.push(routePanel(routed, groups), routeHistoryPanel(routed, groups));
  panels.push(...alignmentPanels(rows));
  return panels.length === 0 ? '' : section(`Alignment of ${arm}, seed ${seed}`, await renderPanels(panels));
}

/** Result of a run's probe. */
async function probeSection({ name, probe }: RunRecord): Promise<string> {
  if (probe === undefined) return '';
  const { step, images, pick } = probe;
  const found = pick === undefined ? 'no group is readable' : `the widest gap has ${pick}`;
  const note = `<p class="note">${images} images; ${escapeHtml(found)}. The gap says what is lacking, not which block to align.</p>`;
  return section(`Probe of ${name} at step ${step}`, note + (await renderPanels([probePanel(probe)])));
}

function armsTable(rows: readonly ArmRow[], arms: readonly string[]): string {
  const titles = rows[0]?.figures.map(({ title }) => title) ?? [];
  const compared = arms.length > 1;
  const head = [
    'arm',
    'runs',
    'steps',
    ...titles.flatMap((title) => (compared ? [title, `minus ${arms[0]}`] : [title])),
  ];
  const body = rows.map(({ arm, runs, steps, figures }) => [
    escapeHtml(arm),
    String(runs),
    steps.toLocaleString('en'),
    ...figures.flatMap(({ value, difference }) => {
      const own = value === undefined ? '–' : withError(value.mean, value.standardError);
      return compared ? [own, difference === undefined ? '–' : withMargin(difference)] : [own];
    }),
  ]);
  const note =
    'Means over seeds ± one standard error. Differences are paired by seed, ± half the 95 % t-interval; one whose interval leaves out zero is bold. One seed gives no interval.';
  const lines = [line('th', head), ...body.map((cells) => line('td', cells))];
  return `<div class="wide"><table>${lines.join('')}</table></div><p class="note">${note}</p>`;
}

const line = (tag: string, cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;

/** The changes of the recipes of all runs; empty where there are none. */
function changesTable(runs: readonly RunRecord[]): string {
  const body = runs.flatMap(({ name, changes }) =>
    changes.map((change) => [escapeHtml(name), `${change.step}`, escapeHtml(showDifference(change))]),
  );
  if (body.length === 0) return '';
  const lines = [line('th', ['run', 'after step', 'change']), ...body.map((cells) => line('td', cells))];
  return `<div class="wide"><table>${lines.join('')}</table></div>`;
}

const withError = (mean: number, error: number | undefined): string =>
  error === undefined ? digits(mean, mean) : `${digits(mean, mean)} ± ${digits(error, mean)}`;

/** Four decimals, fewer for values of a scale from 100 on. */
const digits = (value: number, scale: number): string => value.toFixed(Math.abs(scale) < 100 ? 4 : 1);

function withMargin({
  mean,
  margin,
}: {
  readonly mean: number;
  readonly margin: number | undefined;
}): string {
  const signed = `${mean < 0 ? '−' : '+'}${digits(Math.abs(mean), mean)}`;
  if (margin === undefined) return signed;
  const text = `${signed} ± ${digits(margin, mean)}`;
  return Math.abs(mean) > margin ? `<b>${text}</b>` : text;
}

/** The newest grid of an arm's first run, side by side. */
function samples(runs: readonly RunRecord[]): string {
  const figures = runs.flatMap(({ arm, samples: path }) => {
    if (path === undefined) return [];
    const image = readFileSync(path).toString('base64');
    return [
      `<figure><img alt="" src="data:image/png;base64,${image}"><figcaption>${escapeHtml(arm)}</figcaption></figure>`,
    ];
  });
  return figures.length === 0 ? '' : `<div class="grids">${figures.join('')}</div>`;
}
