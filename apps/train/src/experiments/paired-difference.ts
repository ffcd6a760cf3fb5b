/** Comparison of arms over paired seeds: two runs of one seed differ in the arm alone. */
import jstat from 'jstat';

/** One number of each run of an arm, by seed. */
export type ArmValues = ReadonlyMap<number, number>;

/** A mean with its standard error, absent where there is one value only. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number | undefined;
  readonly count: number;
}

/** Difference of an arm from the baseline over the seeds that both have. */
export interface PairedDifference extends Estimate {
  /** Half the width of the 95 % t-interval of the mean difference. */
  readonly margin: number | undefined;
}

/** The mean and its standard error sd / sqrt(n), with sd over n - 1. Throws a RangeError for no values. */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  if (count === 0) throw new RangeError('estimate: got no values, wanted at least one.');
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: count > 1 ? Math.sqrt(squares / (count - 1) / count) : undefined, count };
}

/** Mean of `arm - baseline` over common seeds; undefined where there is none. */
export function pairedDifference(arm: ArmValues, baseline: ArmValues): PairedDifference | undefined {
  const differences = [...arm].flatMap(([seed, value]) => {
    const other = baseline.get(seed);
    return other === undefined ? [] : [value - other];
  });
  if (differences.length === 0) return undefined;
  const result = estimate(differences);
  const { standardError, count } = result;
  const margin =
    standardError === undefined ? undefined : standardError * jstat.studentt.inv(0.975, count - 1);
  return { ...result, margin };
}
