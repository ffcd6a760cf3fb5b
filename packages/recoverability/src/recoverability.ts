/**
 * The recoverability map of a denoiser (RARE, 2026): the share of each level of features that a linear readout recovers from
 * the hidden tokens of every block and noise range, and from the clean latent.
 *
 * targets = whitened levels, and what each adds to the level below -> R² from every block and bin, availability A from the latent
 * -> ceiling R*² = max(tau, max A, max R²), gap N = clip(1 - R² / R*², 0, 1).
 */
import type { Matrix } from 'ml-matrix';
import type { Moments, Split } from './moments.ts';
import { type ReadoutMoments, readout, readoutMoments } from './ridge.ts';
import { type Columns, increment, whiten } from './targets.ts';

/** Dimensions of a whitened level, and the least ceiling that counts as readable; RARE's. */
export const RARE_SETTINGS: { readonly rank: number; readonly tau: number } = { rank: 128, tau: 0.02 };

/** A level of features: name and number of channels. */
export interface Level {
  readonly name: string;
  readonly width: number;
}

/** Second moments of a measurement, all over the same images. */
export interface Measurement {
  /** Levels in the order of y, the lowest first. */
  readonly levels: readonly Level[];
  /** Second moment `[1 + W, 1 + W]` of [1, y] with y all levels of a token, one after the other. */
  readonly yy: Split<Matrix>;
  /** With x the clean latent of a token. */
  readonly latent: Split<Moments>;
  /** With x the hidden tokens, by block and noise range. */
  readonly hidden: readonly (readonly Split<Moments>[])[];
}

/** Recoverability of one target. */
export interface TargetMap {
  readonly name: string;
  readonly kind: 'level' | 'increment';
  /** Held-out R² from the clean latent. */
  readonly availability: number;
  /** Held-out R² by block and noise range. */
  readonly r2: readonly (readonly number[])[];
}

/** A target's gap by block and noise range. */
export interface GapMap extends TargetMap {
  readonly gap: readonly (readonly number[])[];
  readonly meanGap: number;
  /** Whether any readout of it reaches tau; others are left out of the choice. */
  readonly readable: boolean;
}

/** The map of all targets, and the level with the largest mean gap among the readable ones. */
export interface RecoverabilityMap {
  readonly targets: readonly GapMap[];
  readonly ceiling: number;
  readonly pick: string | undefined;
}

/**
 * The map of a measurement.
 * @throws RangeError where its shapes do not fit together
 */
export function recoverability(
  measurement: Measurement,
  { rank, tau }: typeof RARE_SETTINGS = RARE_SETTINGS,
): RecoverabilityMap {
  const { levels, yy, latent, hidden } = measurement;
  const columns = locateColumns(levels, yy.fit);
  const whitened = columns.map((place) => whiten(yy.fit, place, rank));
  const added = whitened.slice(1).map((own, i) => increment(yy, whitened[i] as Matrix, own));
  const targets = [
    ...whitened.map((map, i) => ({ name: nameAt(levels, i), kind: 'level' as const, map })),
    ...added.map((map, i) => ({ name: nameAt(levels, i + 1), kind: 'increment' as const, map })),
  ];
  const measured = targets.map(({ name, kind, map }): TargetMap => {
    const explained = (source: Split<Moments>): number => readout(readoutSplit(source, yy, map));
    return { name, kind, availability: explained(latent), r2: hidden.map((bins) => bins.map(explained)) };
  });
  return computeGaps(measured, tau);
}

/** Gaps under the ceiling that all targets share. */
export function computeGaps(targets: readonly TargetMap[], tau: number): RecoverabilityMap {
  const findBest = ({ availability, r2 }: TargetMap): number => Math.max(availability, ...r2.flat());
  const ceiling = Math.max(tau, ...targets.map(findBest));
  const maps = targets.map((target): GapMap => {
    const gap = target.r2.map((bins) => bins.map((r2) => Math.min(Math.max(1 - r2 / ceiling, 0), 1)));
    const all = gap.flat();
    const meanGap = all.reduce((sum, value) => sum + value, 0) / all.length;
    return { ...target, gap, meanGap, readable: findBest(target) >= tau };
  });
  const candidates = maps.filter(({ kind, readable }) => kind === 'level' && readable);
  const widest = candidates.reduce<GapMap | undefined>(
    (best, next) => (best === undefined || next.meanGap > best.meanGap ? next : best),
    undefined,
  );
  return { targets: maps, ceiling, pick: widest?.name };
}

const nameAt = (levels: readonly Level[], index: number): string => (levels[index] as Level).name;

function readoutSplit(source: Split<Moments>, yy: Split<Matrix>, map: Matrix): Split<ReadoutMoments> {
  return {
    fit: readoutMoments(source.fit, yy.fit, map),
    dev: readoutMoments(source.dev, yy.dev, map),
    evaluation: readoutMoments(source.evaluation, yy.evaluation, map),
  };
}

function locateColumns(levels: readonly Level[], yy: Matrix): Columns[] {
  const widths = levels.map(({ width }) => width);
  const total = 1 + widths.reduce((sum, width) => sum + width, 0);
  if (yy.rows !== total) {
    throw new RangeError(
      `recoverability: yy has ${yy.rows} rows, wanted ${total} = 1 + ${widths.join(' + ')}; name the levels in the order of y.`,
    );
  }
  let start = 1;
  return widths.map((width) => {
    const place = { start, end: start + width };
    start += width;
    return place;
  });
}
