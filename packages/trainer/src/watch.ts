/** Gradients on their way back, measured where the terms of a loss meet: at the hidden tokens. */
import { binByTime, sumMetrics } from '@ahpa/ops';
import type { Metrics } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Collects the gradients of watched tensors; what it holds is alive until `dispose`. */
export interface Watch {
  /** `x` itself; its gradient is recorded as one of the tap `tap`, under `term`. */
  watch(x: tf.Tensor3D, term: string, tap: number): tf.Tensor3D;
  /** The recorded gradients of a term by tap. */
  gradients(term: string): ReadonlyMap<number, tf.Tensor3D>;
  terms(): string[];
  dispose(): void;
}

/** A new, empty watch. */
export function newWatch(): Watch {
  const held = new Map<string, Map<number, tf.Tensor3D>>();
  const record = (dy: tf.Tensor3D, term: string, tap: number): void => {
    const taps = held.get(term) ?? new Map<number, tf.Tensor3D>();
    const before = taps.get(tap);
    taps.set(tap, tf.keep(before === undefined ? tf.clone(dy) : tf.add(before, dy)));
    before?.dispose();
    held.set(term, taps);
  };
  return {
    watch(x, term, tap) {
      const identity = tf.customGrad<tf.Tensor3D>((input) => ({
        value: tf.clone(input as tf.Tensor3D),
        gradFunc: (dy: tf.Tensor3D) => {
          record(dy, term, tap);
          return tf.clone(dy);
        },
      }));
      return identity(x);
    },
    gradients: (term) => held.get(term) ?? new Map(),
    terms: () => [...held.keys()],
    dispose: () => {
      for (const taps of held.values()) tf.dispose([...taps.values()]);
    },
  };
}

/** The names under which the trainer watches all that comes back to a tap, and the part of it that the alignment sends. */
export const TOTAL = 'total';
export const ALIGNED = 'alignment';

/**
 * How the terms of the alignment pull at the hidden tokens, against the denoising loss: for every item the gradient of its own
 * loss with respect to its tokens at the taps that the term reads. `gradient.denoising` and `gradient.<term>` are mean norms,
 * `gradientCosine.<term>` mean cosines, `gradientCosineByTime.<term>` the same in ten bins of t, with `alignment` for all its terms; all as sums and counts.
 * `scale` is the number of items that the losses are means of. Nothing where the denoiser has no taps or the alignment reads none.
 */
export function gradientMetrics(watch: Watch, t: tf.Tensor1D, scale: number): Metrics {
  const [total, aligned] = [watch.gradients(TOTAL), watch.gradients(ALIGNED)];
  if (total.size === 0 || aligned.size === 0) return {};
  const denoising = new Map<number, tf.Tensor>();
  for (const [tap, part] of aligned) {
    denoising.set(tap, tf.sub(total.get(tap) as tf.Tensor3D, part));
  }
  const metrics: Record<string, tf.Tensor> = {};
  const add = (name: string, items: tf.Tensor): void => {
    metrics[`${name}.sum`] = tf.sum(items);
    metrics[`${name}.count`] = tf.scalar(t.size);
  };
  const product = (a: ReadonlyMap<number, tf.Tensor>, b: ReadonlyMap<number, tf.Tensor>): tf.Tensor =>
    tf.addN([...a].map(([tap, x]) => tf.sum(tf.mul(x, b.get(tap) as tf.Tensor), [1, 2])));
  const norm = (gradient: ReadonlyMap<number, tf.Tensor>): tf.Tensor => tf.sqrt(product(gradient, gradient));
  add('gradient.denoising', tf.mul(norm(denoising), scale));
  for (const term of watch.terms().filter((name) => name !== TOTAL)) {
    const gradient = watch.gradients(term);
    const beside = new Map([...gradient.keys()].map((tap) => [tap, denoising.get(tap) as tf.Tensor]));
    const cosine = tf.divNoNan(product(gradient, beside), tf.mul(norm(gradient), norm(beside)));
    add(`gradient.${term}`, tf.mul(norm(gradient), scale));
    add(`gradientCosine.${term}`, cosine);
    Object.assign(metrics, sumMetrics(`gradientCosineByTime.${term}`, binByTime(cosine as tf.Tensor1D, t)));
  }
  return metrics;
}
