/**
 * Pillow's resampling of 8-bit images, bit by bit: separable, horizontal pass first, each rounded to 8 bits; filters widen with
 * the scale; weights are fixed-point numbers with 22 bits after the point. (Since version 13 Pillow takes the vertical pass
 * first for images more than twice as tall as wide, which changes some values by one; the data sets of the field are older.)
 */

/** An image of interleaved 8-bit channels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`. */
  readonly data: Uint8Array;
}

/** A filter: weight of a pixel by its distance, and the distance beyond which it is 0. */
interface Filter {
  readonly support: number;
  weight(x: number): number;
}

const CHANNELS = 3;
const FRACTION_BITS = 22;

/** `BOX` and `BICUBIC` (a = -0.5) of Pillow. */
export const FILTERS: Readonly<Record<'box' | 'bicubic', Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: {
    support: 2,
    weight: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
};

/** For each output position of a window: the first input position, and the weights from there on. */
export interface Taps {
  readonly first: Int32Array;
  readonly weights: readonly Int32Array[];
}

/** Taps of the output positions from `start` on, `count` of them, of an axis of length `from` that is scaled to `to`. */
export function computeTaps(
  from: number,
  to: number,
  { support, weight }: Filter,
  start = 0,
  count: number = to,
): Taps {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const [reach, inverse] = [support * stretch, 1 / stretch];
  const first = new Int32Array(count);
  const weights = Array.from({ length: count }, (_, i) => {
    const center = (start + i + 0.5) * scale;
    const begin = Math.max(Math.trunc(center - reach + 0.5), 0);
    const end = Math.min(Math.trunc(center + reach + 0.5), from);
    const raw = Array.from({ length: end - begin }, (_, k) => weight((begin + k - center + 0.5) * inverse));
    const sum = raw.reduce((a, b) => a + b, 0);
    first[i] = begin;
    return Int32Array.from(raw, (value) => {
      const fixed = (sum === 0 ? value : value / sum) * 2 ** FRACTION_BITS;
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  });
  return { first, weights };
}

const HALF = 1 << (FRACTION_BITS - 1);

/** One pass along an axis whose neighbours are `step` values apart; `lines` lines lie `stride` values apart. */
function pass(
  source: Uint8Array,
  target: Uint8ClampedArray,
  { first, weights }: Taps,
  axis: {
    readonly step: number;
    readonly lines: number;
    readonly stride: number;
    readonly targetStride: number;
  },
): void {
  const { step, lines, stride, targetStride } = axis;
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < weights.length; i++) {
      const taps = weights[i] as Int32Array;
      const begin = line * stride + (first[i] as number) * step;
      const out = line * targetStride + i * step;
      for (let channel = 0; channel < CHANNELS; channel++) {
        let sum = HALF;
        for (let k = 0, at = begin + channel; k < taps.length; k++, at += step)
          sum += (source[at] as number) * (taps[k] as number);
        target[out + channel] = sum >> FRACTION_BITS;
      }
    }
  }
}

/** Resizes an image to `width` by `height`. */
export function resample(image: Pixels, width: number, height: number, filter: Filter): Pixels {
  const taps = (from: number, to: number) => (from === to ? undefined : computeTaps(from, to, filter));
  return applyTaps(image, taps(image.width, width), taps(image.height, height));
}

/** One pixel for every pair of taps of both axes; an axis without taps stays as it is. */
export function applyTaps(image: Pixels, horizontal: Taps | undefined, vertical: Taps | undefined): Pixels {
  let { data } = image;
  const [width, height] = [horizontal?.first.length ?? image.width, vertical?.first.length ?? image.height];
  if (horizontal) {
    const wide = new Uint8ClampedArray(width * image.height * CHANNELS);
    const strides = { stride: image.width * CHANNELS, targetStride: width * CHANNELS };
    pass(data, wide, horizontal, { step: CHANNELS, lines: image.height, ...strides });
    data = new Uint8Array(wide.buffer);
  }
  if (vertical) {
    const high = new Uint8ClampedArray(width * height * CHANNELS);
    pass(data, high, vertical, {
      step: width * CHANNELS,
      lines: width,
      stride: CHANNELS,
      targetStride: CHANNELS,
    });
    data = new Uint8Array(high.buffer);
  }
  return { width, height, data };
}
