/** Evaluation cards: metrics together with samples, reference, network and sampler, without which they cannot be compared. */

/** One metric. */
export interface Metric {
  readonly value: number;
  /** Standard deviation over parts or subsets. */
  readonly deviation?: number;
  /** 95 % bootstrap interval over the drawn images. */
  readonly interval?: readonly [low: number, high: number];
  /** Splits of the images that an Inception Score is the mean over; absent in older cards, which split into ten. */
  readonly splits?: number;
  /** Images in each of them but the last, which may have fewer. */
  readonly splitSize?: number;
}

/** Weights, sampler, seed and labels of drawn images. */
export interface DrawingCard {
  readonly model: string;
  /** Of training. */
  readonly step: number | null;
  /** Sampler, steps, guidance and all other options of the sampler. */
  readonly sample: Readonly<Record<string, unknown>>;
  /** Network evaluations per image, of which guidance doubles the work and not the number; null for adaptive samplers. */
  readonly nfe: number | null;
  /** Name of the average of the weights. */
  readonly ema: string;
  /** SHA-256 of the weights of the autoencoder that decodes. */
  readonly vae: string;
  readonly seed: number;
  /** Classes in turn, or drawn at random. */
  readonly labels: 'balanced' | 'random';
}

/** A file or network, and its SHA-256. */
export interface HashedSource {
  readonly name: string;
  readonly sha256: string;
}

/** Decoding of image files to pixels. */
export interface DecodingCard {
  /** Name of the decoding rules. */
  readonly policy: string;
  /** Number of images by remark, such as an orientation that is not applied. */
  readonly remarks: Readonly<Record<string, number>>;
}

/** Metrics of samples, and everything they depend on. */
export interface EvaluationCard {
  readonly version: 1;
  /** By name; `FID` is 50,000 images through the 2015 Inception network, anything else is named otherwise. */
  readonly figures: Readonly<Record<string, Metric>>;
  /** Number of samples. */
  readonly n: number;
  readonly samples: string;
  /** Absent where the samples are pixels already, and in older cards. */
  readonly decoding?: DecodingCard;
  readonly reference: HashedSource & { readonly n: number | null };
  readonly network: HashedSource;
  /** null where the files of images have no record of it. */
  readonly drawing: DrawingCard | null;
  readonly date: string;
  readonly command: string;
}

/** Number of samples of published metrics. */
const PUBLISHED_N = 50_000;

/** Splits of the Inception Score in cards that do not record them. */
const OLDER_SPLITS = 10;

const NAMES: Readonly<Record<string, string>> = {
  fd: 'FID',
  sfd: 'sFID',
  is: 'IS',
  kid: 'KID',
  'fd-infinity': 'FID-infinity',
};

/** Name of a metric: `FID`, `FID@5000` below 50,000 samples, `sqz-fd@5000` by another network than Inception. */
export function metricName(kind: string, prefix: string, n: number): string {
  const name = prefix === '' ? (NAMES[kind] ?? kind) : `${prefix}${kind}`;
  return n < PUBLISHED_N ? `${name}@${n}` : name;
}

/** Name of an Inception Score in `splits` splits: `IS` for 50,000 images in ten, else `IS@5000/1`. */
export function inceptionScoreName(prefix: string, n: number, splits: number): string {
  const name = metricName('is', prefix, PUBLISHED_N);
  return n === PUBLISHED_N && splits === 10 ? name : `${name}@${n}/${splits}`;
}

/** Images per split of a card's Inception Score; undefined where it has none. */
function splitSizeOf({ figures, n }: EvaluationCard): number | undefined {
  const [, score] = Object.entries(figures).find(([name]) => /(^|-)is(@|$)/i.test(name)) ?? [];
  return score && (score.splitSize ?? n / OLDER_SPLITS);
}

/** The difference between the splits of two Inception Scores, in words; none where a card has no score. */
function splitDifferences(a: EvaluationCard, b: EvaluationCard): string[] {
  const [one, other] = [splitSizeOf(a), splitSizeOf(b)];
  if (one === undefined || other === undefined || one === other) return [];
  return [
    `isSplit is ${one} images here and ${other} there, and the Inception Score depends on the size of its splits`,
  ];
}

type Facts = Readonly<Record<string, string>>;

function factsOf({ n, reference, network, drawing }: EvaluationCard): Facts {
  const always = { n: String(n), reference: reference.sha256, network: network.sha256 };
  if (drawing === null) return always;
  const settings = Object.entries(drawing.sample).map(([key, value]) => [key, JSON.stringify(value)]);
  return { ...always, ...Object.fromEntries(settings), labels: drawing.labels };
}

/**
 * Reasons that two cards are not comparable, a phrase for each: another number of samples, reference, network, split
 * of the Inception Score or way of drawing. `varying` names what is compared and may differ, such as `sampler` or `guidance`.
 */
export function differencesOf(
  a: EvaluationCard,
  b: EvaluationCard,
  varying: readonly string[] = [],
): string[] {
  const [one, other] = [factsOf(a), factsOf(b)];
  const unknown = (a.drawing === null) !== (b.drawing === null) && !varying.includes('sampler');
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  const known = a.drawing !== null && b.drawing !== null;
  const differing = keys.filter(
    (key) => one[key] !== other[key] && !varying.includes(key) && (known || (key in one && key in other)),
  );
  return [
    ...(varying.includes('isSplit') ? [] : splitDifferences(a, b)),
    ...differing.map((key) => `${key} is ${short(one[key])} here and ${short(other[key])} there`),
    ...(unknown ? ['only one says how its images were drawn'] : []),
  ];
}

const short = (value = 'nothing'): string =>
  /^[0-9a-f]{64}$/.test(value) ? `${value.slice(0, 12)}...` : value;
