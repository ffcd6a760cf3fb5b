/** Trees of tensors, and small tensors by name. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** A plain tree of tensors: any nesting of arrays and objects, empty ones included. Declare your trees with `type`, not `interface`. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** Small tensors by name, owned by the receiver. */
export type Metrics = Readonly<Record<string, Tensor>>;

/** A linear layer: weight [out, in], bias [out]. */
export type LinearParams = { readonly weight: Tensor2D; readonly bias: Tensor1D };

/** Sums over items and their counts, of one shape; additive over parts of a batch. */
export type Sums = { readonly sum: Tensor; readonly count: Tensor };
