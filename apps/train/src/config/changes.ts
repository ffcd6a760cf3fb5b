/** Differences of two configurations of a run, and which keys may change while it trains. */
import { isObject } from './layers.ts';
import type { TrainConfig } from './types.ts';

/** A key with another value; undefined where the key is absent. */
export interface Difference {
  /** Dotted path of a leaf; arrays count as leaves. */
  readonly key: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** A change of the recipe of a run: the steps done before it, and the difference. */
export interface Change extends Difference {
  readonly step: number;
}

/** Keys that every session of a run may set: they do not change what is learned. */
const FREE =
  /^(description|sample\..*|ema\.snapshotEvery|evaluate\..*|train\.(steps|\w+Every|keepLast|backend|eager))$/;

/** Keys that may change where the user asks for it: weights, averages, moments and the order of the data go on. */
const CHANGEABLE =
  /^(train\.(batch|accumulate|precision|keepEvery|checkpointBlocks)|optim\.(learningRate|warmup|schedule(\..+)?|maxGradNorm|weightDecay|betas|epsilon|groups)|alignment\.weight|time\..+|model\.labelDropout)$/;

/** Why the other keys may not change, by key. */
const FIXED: readonly (readonly [keys: RegExp, reason: string])[] = [
  [/^(vae|hierarchy)\./, 'the latents and the targets depend on it'],
  [/^data\./, 'the images and their order depend on it'],
  [/^model\.init/, 'it is the start of a run'],
  [/^model\./, 'the shape of the model depends on it'],
  [/^alignment\./, 'the structure of the alignment and its state depend on it'],
  [/^interpolant\./, 'the network has learned the velocity of this path'],
  [/^ema\./, 'the averages would not be what their names say'],
  [/^optim\.muon/, 'the state of the optimizer has another form with it'],
  [/^train\.seed/, 'the order of the data and the noise go on from it'],
  [/./, 'what is learned depends on it'],
];

/** Whether every session of a run may set a key. */
export const isFree = (key: string): boolean => FREE.test(key);

/** The reason that a key may not change in a run; undefined where it may. */
export function reasonFixed(key: string): string | undefined {
  if (FREE.test(key) || CHANGEABLE.test(key)) return undefined;
  return FIXED.find(([keys]) => keys.test(key))?.[1];
}

/** Whether a key, or an object that holds it, is among those named. */
export const isNamed = (key: string, named: readonly string[]): boolean =>
  named.some((name) => key === name || key.startsWith(`${name}.`));

/** Keys that may be given a value where they had none: they say more exactly how the same data are read. */
const REFINED = /^data\.(classes|labelColumn|imageColumn)$/;

/** Former defaults, as JSON by key, and the present ones that mean the same to every run that they started. */
const FORMER: Readonly<Record<string, readonly [former: string, present: string]>> = {
  'alignment.teacher.taps': ['["mid.block_2"]', '"deepest"'],
};

/** Whether two values of a key mean the same to a run. */
function meansSame(key: string, from: unknown, to: unknown): boolean {
  if (text(from) === text(to)) return true;
  const [former, present] = FORMER[key] ?? [];
  return (text(from) === former && text(to) === present) || (REFINED.test(key) && (from ?? null) === null);
}

/** All differences in meaning of two configurations, or of parts of them. */
export function differences(old: object, now: object): Difference[] {
  const [before, after] = [leaves(old), leaves(now)];
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return keys
    .filter((key) => !meansSame(key, before.get(key), after.get(key)))
    .map((key) => ({
      key,
      ...(before.has(key) && { from: before.get(key) }),
      ...(after.has(key) && { to: after.get(key) }),
    }));
}

/** The changes of a run's recipe at a step: differences that bear on what is learned, and others that are named. */
export const changesAt = (
  step: number,
  old: TrainConfig,
  now: TrainConfig,
  named: readonly string[],
): Change[] =>
  differences(old, now)
    .filter(({ key }) => !isFree(key) || isNamed(key, named))
    .map((difference) => ({ step, ...difference }));

/** `key old -> new`. */
export const showDifference = ({ key, from, to }: Difference): string =>
  `${key} ${text(from)} -> ${text(to)}`;

/** A value of a configuration as JSON, or `absent`. */
export const text = (value: unknown): string => (value === undefined ? 'absent' : JSON.stringify(value));

/** Images that were trained on before a step, where the batch changed on the way to `batch`; for steps from the last change on. */
export function imagesAt(step: number, batch: number, changes: readonly Change[]): number {
  let [images, counted] = [0, 0];
  for (const { step: at, from } of changes.filter(({ key }) => key === 'train.batch')) {
    images += (at - counted) * (from as number);
    counted = at;
  }
  return images + (step - counted) * batch;
}

/** Leaves of a configuration by dotted path. */
export function leaves(value: object, path = ''): Map<string, unknown> {
  const inner = Object.entries(value).flatMap(([key, child]): (readonly [string, unknown])[] => {
    const here = path === '' ? key : `${path}.${key}`;
    return isObject(child) ? [...leaves(child, here)] : [[here, child]];
  });
  return new Map(inner);
}
