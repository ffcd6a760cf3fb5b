/**
 * Inception Score (Salimans 2016): exp(mean_i KL(p(y | x_i) || p(y))), averaged over splits of 5,000 consecutive
 * images as the ADM evaluator does (`compute_inception_score`). The score grows with the size of the splits.
 */
import type { FeatureMatrix } from './algebra.ts';
import { checkFeatures } from './features.ts';

/** Mean and population standard deviation over the splits. */
export interface InceptionScore {
  readonly value: number;
  readonly deviation: number;
  readonly splits: number;
  /** Images in each split but the last, which may have fewer. */
  readonly splitSize: number;
}

/** Softmax of one row, in float64. */
function probabilities(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (value) => Math.exp(value - highest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** exp of the mean divergence: mean_i sum_c p log p - sum_c q log q, q the mean of p. */
function scoreOf({ columns, data }: FeatureMatrix, start: number, end: number): number {
  const mean = new Float64Array(columns);
  let negentropy = 0;
  for (let i = start; i < end; i++) {
    const p = probabilities(data.subarray(i * columns, (i + 1) * columns));
    p.forEach((value, c) => {
      mean[c] = (mean[c] as number) + value / (end - start);
      if (value > 0) negentropy += value * Math.log(value);
    });
  }
  const ofMean = mean.reduce((sum, value) => (value > 0 ? sum + value * Math.log(value) : sum), 0);
  return Math.exp(negentropy / (end - start) - ofMean);
}

/**
 * The score of `logits` `[n, classes]` in consecutive splits of `splitSize` images, of which the last may be shorter.
 * @throws where there is no image, or a logit is not finite.
 */
export function inceptionScore(logits: FeatureMatrix, splitSize = 5000): InceptionScore {
  checkFeatures(logits, 'Logits');
  const { rows } = logits;
  if (rows === 0) throw new Error('The Inception Score needs at least 1 image, got 0.');
  const splits = Math.ceil(rows / splitSize);
  const scores = Array.from({ length: splits }, (_, k) =>
    scoreOf(logits, k * splitSize, Math.min((k + 1) * splitSize, rows)),
  );
  const value = scores.reduce((a, b) => a + b, 0) / splits;
  const variance = scores.reduce((sum, score) => sum + (score - value) ** 2, 0) / splits;
  return { value, deviation: Math.sqrt(variance), splits, splitSize };
}
