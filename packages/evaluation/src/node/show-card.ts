/** Cards as text of at most 80 columns. */
import type { PairedTest } from '../bootstrap.ts';
import type { EvaluationCard, Metric } from '../card.ts';

const digits = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(1) : Math.abs(value) >= 1 ? value.toFixed(3) : value.toFixed(4);

function metricLine(name: string, width: number, { value, deviation, interval, splits }: Metric): string {
  const parts = splits === undefined ? 'parts' : `${splits} splits`;
  const spread = deviation === undefined ? '' : `  +- ${digits(deviation)} over ${parts}`;
  const range = interval === undefined ? '' : `  95 %: ${interval.map(digits).join(' to ')}`;
  return `  ${name.padEnd(width)}  ${digits(value).padStart(9)}${spread}${range}`;
}

/** Cuts the beginning of a path off where it is too long. */
const fit = (text: string, width: number): string =>
  text.length <= width ? text : `...${text.slice(text.length - width + 3)}`;

/** Text of a card: its metrics, samples, reference and network. */
export function showCard(card: EvaluationCard): string {
  const { figures, n, samples, decoding, reference, network, drawing } = card;
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  const facts: (readonly [string, string])[] = [
    ['samples', `${n} of ${samples}`],
    ...(decoding ? [['pixels', `by ${decoding.policy}`] as const] : []),
    ['reference', `${reference.name}${reference.n === null ? '' : ` (${reference.n} images)`}`],
    ['network', `${network.name}, sha256 ${network.sha256.slice(0, 12)}`],
  ];
  if (drawing) {
    const { sample, nfe, ema, seed, labels, step } = drawing;
    const { sampler, guidance, guidanceInterval } = sample;
    const guided = guidance === 1 ? 'no guidance' : `guidance ${guidance} in [${guidanceInterval}]`;
    facts.push(['drawn by', `${sampler}, NFE ${nfe ?? 'adaptive'}, ${guided}`]);
    facts.push(['weights', `step ${step ?? 'unknown'}, average ${ema}, seed ${seed}, ${labels} classes`]);
  }
  return [
    ...Object.entries(figures).map(([name, metric]) => metricLine(name, width, metric)),
    '',
    ...facts.map(([name, text]) => `  ${name.padEnd(9)}  ${fit(text, 67)}`),
  ].join('\n');
}

/** Text of a paired test: difference, interval and verdict. */
export function showPaired({
  value,
  low,
  high,
  pValue,
  repeats,
  against,
}: PairedTest & { readonly against: string }): string {
  const verdict = low > 0 || high < 0 ? 'The two differ' : 'No difference is shown';
  return [
    `  difference from ${fit(against, 60)}`,
    `  ${digits(value)}, 95 %: ${digits(low)} to ${digits(high)}, p = ${pValue.toFixed(3)} (${repeats} resamples)`,
    `  ${verdict} at this number of images and seeds.`,
  ].join('\n');
}
