/**
 * Inception Score (Salimans 2016): exp(mean_i KL(p(y | x_i) || p(y))), averaged over consecutive parts of the images.
 * With 50,000 images and ten parts this is what the ADM evaluator prints.
 */
import type { FeatureMatrix } from './algebra.ts';
import { checkFeatures } from './features.ts';

/** Mean and population standard deviation over the parts. */
export interface InceptionScore {
  readonly value: number;
  readonly deviation: number;
  readonly parts: number;
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

/** The score of `logits` `[n, classes]` in `parts` parts of equal size, to within one image. */
export function inceptionScore(logits: FeatureMatrix, parts = 10): InceptionScore {
  checkFeatures(logits, 'Logits');
  if (logits.rows < parts)
    throw new Error(
      `The Inception Score in ${parts} parts needs at least ${parts} images, got ${logits.rows}.`,
    );
  const border = (k: number): number => Math.floor((k * logits.rows) / parts);
  const scores = Array.from({ length: parts }, (_, k) => scoreOf(logits, border(k), border(k + 1)));
  const value = scores.reduce((a, b) => a + b, 0) / parts;
  const variance = scores.reduce((sum, score) => sum + (score - value) ** 2, 0) / parts;
  return { value, deviation: Math.sqrt(variance), parts };
}
