/**
 * ADM's centre crop: halve while both sides are at least twice the size, scale the shorter side to the size, cut the middle out.
 * Only what the middle depends on is computed, so that a long strip costs no more than its middle.
 */
import { applyTaps, computeTaps, FILTERS, type Pixels, type Taps } from './resample.ts';

/** Rounds halves to even, as Python does. */
function round(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Sizes `[width, height]` of an image from its own to the scaled one before the cut; the last step is bicubic. */
function scaledSizes({ width, height }: Pixels, size: number): [width: number, height: number][] {
  const sizes: [number, number][] = [[width, height]];
  let [w, h] = [width, height];
  for (; Math.min(w, h) >= 2 * size; sizes.push([w, h])) [w, h] = [Math.floor(w / 2), Math.floor(h / 2)];
  const scale = size / Math.min(w, h);
  return [...sizes, [round(w * scale), round(h * scale)]];
}

/** Part of an axis. */
interface Span {
  readonly begin: number;
  readonly length: number;
}

/** The span of an axis that its middle depends on, and the taps of each step; undefined where a step changes nothing. */
function middleTaps(lengths: readonly number[], size: number): { span: Span; steps: (Taps | undefined)[] } {
  const last = lengths.length - 1;
  const steps: (Taps | undefined)[] = [];
  let span: Span = { begin: Math.floor(((lengths[last] as number) - size) / 2), length: size };
  for (let i = last; i > 0; i--) {
    const [from, to] = [lengths[i - 1] as number, lengths[i] as number];
    if (from === to) {
      steps.unshift(undefined);
      continue;
    }
    const filter = i === last ? FILTERS.bicubic : FILTERS.box;
    const { first, weights } = computeTaps(from, to, filter, span.begin, span.length);
    const begin = first[0] as number;
    const end = (first.at(-1) as number) + (weights.at(-1) as Int32Array).length;
    span = { begin, length: end - begin };
    steps.unshift({ first: first.map((position) => position - begin), weights });
  }
  return { span, steps };
}

/** The part of an image in two spans. */
function cut({ width, height, data }: Pixels, across: Span, down: Span): Pixels {
  if (across.length === width && down.length === height) return { width, height, data };
  const part = new Uint8Array(across.length * down.length * 3);
  for (let row = 0; row < down.length; row++) {
    const begin = ((down.begin + row) * width + across.begin) * 3;
    part.set(data.subarray(begin, begin + across.length * 3), row * across.length * 3);
  }
  return { width: across.length, height: down.length, data: part };
}

/** The middle square of an image at `size` pixels: `[size, size, 3]`. */
export function centerCrop(image: Pixels, size: number): Uint8Array {
  const sizes = scaledSizes(image, size);
  const [across, down] = [0, 1].map((axis) =>
    middleTaps(
      sizes.map((both) => both[axis] as number),
      size,
    ),
  ) as [ReturnType<typeof middleTaps>, ReturnType<typeof middleTaps>];
  let part = cut(image, across.span, down.span);
  across.steps.forEach((taps, i) => {
    part = applyTaps(part, taps, down.steps[i]);
  });
  return part.data;
}
