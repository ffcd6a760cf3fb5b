/** Second moments that readouts need: of hidden tokens, clean latents and features, added up batch by batch on the device. */

import { userError } from '@ahpa/messages';
import { disposeTree, patchify } from '@ahpa/ops';
import type { Batch, Denoiser, Interpolant, Rng, Tree } from '@ahpa/ports';
import { batchIndices, noiseLatents } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { Matrix } from 'ml-matrix';
import type { Moments, Split } from './moments.ts';
import type { Level, Measurement } from './recoverability.ts';

/** Parameters on a device; a `Model` of `@ahpa/engine` is one. */
export interface BoundParams<P extends Tree> {
  /** `fn(params, ...inputs)` as a function of the inputs; the caller owns its results. */
  bind<I extends readonly Tree[], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ): (...inputs: I) => R;
}

/** Labelled latents by row, whose targets are one `[B, T, width]` for each level. */
export interface LevelExamples {
  readonly count: number;
  /** The batch of the examples `rows`, owned by the caller. */
  batch(rows: Uint32Array): Batch<Tree> | Promise<Batch<Tree>>;
}

/** A denoiser and the images that it is measured on. */
export interface Subject<P extends Tree> {
  readonly params: BoundParams<P>;
  /** The denoiser's forward pass, with a tap after every block. */
  readonly apply: Denoiser<P>['apply'];
  /** Number of its blocks. */
  readonly depth: number;
  readonly patchSize: number;
  readonly interpolant: Pick<Interpolant, 'interpolate'>;
  readonly examples: LevelExamples;
  readonly levels: readonly Level[];
  readonly rng: Rng;
}

/** Amount of data: `images` in batches, each at a time drawn evenly within each of `bins` equal ranges of t. */
export interface Extent {
  readonly images: number;
  readonly batch: number;
  readonly bins: number;
  /** Of the order of the images. */
  readonly seed: number;
}

/** Second moments of [1, x] with itself and with [1, y]. */
type Pair = { readonly xx: tf.Tensor2D; readonly xy: tf.Tensor2D };

/** Second moments of one batch: of all levels, of the clean latent, and of the hidden tokens after every block. */
type Sums = { readonly yy: tf.Tensor2D; readonly latent: Pair; readonly hidden: readonly Pair[] };

type Totals = { yy?: Matrix; latent?: Moments; readonly hidden: (Moments | undefined)[][] };

/**
 * The second moments of a denoiser. Of five batches three are for fitting, one to choose by, one to measure with; no image is in two.
 * @throws an error the user can fix where there are fewer than five batches.
 */
export async function measureMoments<P extends Tree>(
  subject: Subject<P>,
  { images, batch, bins, seed }: Extent,
  onProgress?: (done: number) => void,
): Promise<Measurement> {
  const { params, depth, examples, levels, rng } = subject;
  const batches = Math.floor(Math.min(images, examples.count) / batch);
  if (batches < 5) {
    throw userError(
      `The probe has ${batches} batches of ${batch} images, wanted at least 5: name more --images (there are ${examples.count}) or a smaller --batch.`,
    );
  }
  const totals = [0, 1, 2].map((): Totals => ({ hidden: Array.from({ length: depth }, () => []) }));
  const [fit, dev, evaluation] = totals as [Totals, Totals, Totals];
  const parts = [fit, fit, fit, dev, evaluation];
  const run = params.bind((bound, mean: tf.Tensor4D, std: tf.Tensor4D, ...rest: Rest) =>
    sums(subject, bound, mean, std, ...rest),
  );
  for (let k = 0; k < batches; k++) {
    const { latent, y, targets } = await examples.batch(batchIndices(seed, k, batch, examples.count));
    for (let bin = 0; bin < bins; bin++) {
      const step = tf.scalar(k * bins + bin, 'int32');
      const t: tf.Tensor1D = tf.tidy(() =>
        tf.div(tf.add(rng.uniform([batch], 'probe/time', step) as tf.Tensor1D, bin), bins),
      );
      const made = run(latent.mean, latent.std, y, targets as tf.Tensor3D[], t, step);
      await addTo(parts[k % parts.length] as Totals, bin, made);
      disposeTree([t, step, made]);
    }
    disposeTree({ latent, y, targets });
    onProgress?.((k + 1) * batch);
  }
  const split = <T>(of: (part: Totals) => T): Split<T> => ({
    fit: of(fit),
    dev: of(dev),
    evaluation: of(evaluation),
  });
  return {
    levels,
    yy: split(({ yy }) => yy as Matrix),
    latent: split(({ latent }) => latent as Moments),
    hidden: fit.hidden.map((_, block) =>
      Array.from({ length: bins }, (_, bin) => split(({ hidden }) => hidden[block]?.[bin] as Moments)),
    ),
  };
}

type Rest = [y: tf.Tensor1D, targets: tf.Tensor3D[], t: tf.Tensor1D, step: tf.Scalar];

function sums<P extends Tree>(
  { apply, patchSize, interpolant, rng }: Subject<P>,
  params: P,
  mean: tf.Tensor4D,
  std: tf.Tensor4D,
  ...[y, targets, t, step]: Rest
): Sums {
  const draw = (name: string): tf.Tensor4D => rng.normal(mean.shape, `probe/${name}`, step) as tf.Tensor4D;
  const random = { posterior: draw('posterior'), noise: draw('noise'), t };
  const { x0, xt } = noiseLatents(interpolant, { mean, std }, random);
  const { hidden } = apply(params, xt, t, y);
  const levels = rows(tf.concat(targets, 2) as tf.Tensor3D);
  const pair = (tokens: tf.Tensor3D): Pair => {
    const x = rows(tokens);
    return { xx: tf.matMul(x, x, true), xy: tf.matMul(x, levels, true) };
  };
  return {
    yy: tf.matMul(levels, levels, true),
    latent: pair(patchify(x0, patchSize)),
    hidden: hidden.map(pair),
  };
}

/** Tokens as rows, each after a 1: `[B, T, D] -> [B T, 1 + D]`. */
function rows(tokens: tf.Tensor3D): tf.Tensor2D {
  const [batch, count, width] = tokens.shape;
  return tf.concat(
    [tf.ones([batch * count, 1]), tf.reshape(tokens, [batch * count, width])],
    1,
  ) as tf.Tensor2D;
}

/** Adds a batch to totals; moments that no noise changes are taken from the first bin alone. */
async function addTo(totals: Totals, bin: number, { yy, latent, hidden }: Sums): Promise<void> {
  if (bin === 0) {
    totals.yy = added(totals.yy, await toMatrix(yy));
    totals.latent = await addedPair(totals.latent, latent);
  }
  for (const [block, pair] of hidden.entries()) {
    const bins = totals.hidden[block] as (Moments | undefined)[];
    bins[bin] = await addedPair(bins[bin], pair);
  }
}

const addedPair = async (total: Moments | undefined, { xx, xy }: Pair): Promise<Moments> => ({
  xx: added(total?.xx, await toMatrix(xx)),
  xy: added(total?.xy, await toMatrix(xy)),
});

const added = (total: Matrix | undefined, next: Matrix): Matrix =>
  total === undefined ? next : total.add(next);

async function toMatrix(tensor: tf.Tensor2D): Promise<Matrix> {
  const [height, width] = tensor.shape;
  return Matrix.from1DArray(height, width, (await tensor.data()) as Float32Array);
}
