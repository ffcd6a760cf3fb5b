/** Backward hooks: gradients of the terms of a loss at the hidden tokens. */
import { binByTime, sumMetrics } from '@ahpa/ops';
import type { Metrics, Sums } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Recorder of the gradients of watched tensors, which stay alive until `dispose`. */
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

/** Terms under which the trainer records the total gradient at a tap, and the alignment's part of it. */
export const TOTAL = 'total';
export const ALIGNED = 'alignment';

/** Sums and counts over items by the name of a statistic of gradients. */
export type GradientSums = {
  /** Mean norm of `denoising`, of `alignment` and of every term. */
  readonly norm: Readonly<Record<string, Sums>>;
  /** Mean cosine of `alignment` and of every term with the denoising gradient, and the same in ten equal bins of t. */
  readonly cosine: Readonly<Record<string, Sums>>;
  readonly cosineByTime: Readonly<Record<string, Sums>>;
};

/**
 * Gradients of the alignment's terms at the hidden tokens beside the denoising loss's: for every item the gradient of its own loss with
 * respect to its tokens at the taps that the term reads. `scale` is the number of items that the losses are means of. Empty where the
 * denoiser has no taps or the alignment reads none.
 */
export function gradientSums(watch: Watch, t: tf.Tensor1D, scale: number): GradientSums {
  const [total, aligned] = [watch.gradients(TOTAL), watch.gradients(ALIGNED)];
  if (total.size === 0 || aligned.size === 0) return { norm: {}, cosine: {}, cosineByTime: {} };
  const denoising = new Map<number, tf.Tensor>();
  for (const [tap, part] of aligned) {
    denoising.set(tap, tf.sub(total.get(tap) as tf.Tensor3D, part));
  }
  const sums = (items: tf.Tensor): Sums => ({ sum: tf.sum(items), count: tf.scalar(t.size) });
  const product = (a: ReadonlyMap<number, tf.Tensor>, b: ReadonlyMap<number, tf.Tensor>): tf.Tensor =>
    tf.addN([...a].map(([tap, x]) => tf.sum(tf.mul(x, b.get(tap) as tf.Tensor), [1, 2])));
  const norm = (gradient: ReadonlyMap<number, tf.Tensor>): tf.Tensor => tf.sqrt(product(gradient, gradient));
  const norms: Record<string, Sums> = { denoising: sums(tf.mul(norm(denoising), scale)) };
  const cosines: Record<string, Sums> = {};
  const byTime: Record<string, Sums> = {};
  for (const term of watch.terms().filter((name) => name !== TOTAL)) {
    const gradient = watch.gradients(term);
    const beside = new Map([...gradient.keys()].map((tap) => [tap, denoising.get(tap) as tf.Tensor]));
    const cosine = tf.divNoNan(product(gradient, beside), tf.mul(norm(gradient), norm(beside)));
    norms[term] = sums(tf.mul(norm(gradient), scale));
    cosines[term] = sums(cosine);
    byTime[term] = binByTime(cosine as tf.Tensor1D, t);
  }
  return { norm: norms, cosine: cosines, cosineByTime: byTime };
}

/** The statistics as metrics `gradient.<name>`, `gradientCosine.<name>`, `gradientCosineByTime.<name>`. */
export function gradientMetrics({ norm, cosine, cosineByTime }: GradientSums): Metrics {
  const named = (prefix: string, all: Readonly<Record<string, Sums>>): Metrics =>
    Object.assign({}, ...Object.entries(all).map(([name, one]) => sumMetrics(`${prefix}.${name}`, one)));
  return {
    ...named('gradient', norm),
    ...named('gradientCosine', cosine),
    ...named('gradientCosineByTime', cosineByTime),
  };
}
