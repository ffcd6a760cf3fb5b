/** A benchmark of the evaluation, in the form that both sides read. */

/** One side's work; the same JSON goes to the worker of this package and to `python/torch_evaluate.py`. */
export interface EvaluateSpec {
  readonly work: 'evaluate';
  /** Images of 64 px that pass through SqueezeNet into statistics. */
  readonly images: number;
  /** Images at a time. */
  readonly batch: number;
  /** Features `[rows, width]` whose third neighbours are found. */
  readonly rows: number;
  readonly width: number;
  readonly precision: 'f32';
  readonly threads: number;
}

/** Side of the images. */
export const IMAGE_SIDE = 64;

/** Multiply-adds of SqueezeNet v1.1 for one image of 227 px. */
const SQUEEZENET_MACS = 350e6;

/** Floating-point operations of matrix work. */
export const featureFlops = ({ images }: EvaluateSpec): number => 2 * SQUEEZENET_MACS * images;
export const neighbourFlops = ({ rows, width }: EvaluateSpec): number => 2 * rows * rows * width;
