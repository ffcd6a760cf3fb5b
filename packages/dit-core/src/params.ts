/** The parameter tree of a SiT; its dotted paths are the published state-dict keys. */
import type { LinearParams } from '@ahpa/ports';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** A LayerNorm over the K numbers of a head: weight [K], bias [K]. */
export type NormParams = { readonly weight: Tensor1D; readonly bias: Tensor1D };

/** One transformer block; the norms of queries and keys exist with `qkNorm`. */
export type BlockParams = {
  readonly attn: {
    readonly qkv: LinearParams;
    readonly q_norm?: NormParams;
    readonly k_norm?: NormParams;
    readonly proj: LinearParams;
  };
  readonly mlp: { readonly fc1: LinearParams; readonly fc2: LinearParams };
  readonly adaLN_modulation: { readonly 1: LinearParams };
};

/** The last layer, from tokens to velocities. */
export type FinalLayerParams = {
  readonly linear: LinearParams;
  readonly adaLN_modulation: { readonly 1: LinearParams };
};

/** All trained parameters. The position embedding is fixed, hence computed and not here. */
export type DiTParams = {
  /** weight [D, C, p, p], bias [D]. */
  readonly x_embedder: { readonly proj: { readonly weight: Tensor4D; readonly bias: Tensor1D } };
  readonly t_embedder: { readonly mlp: { readonly 0: LinearParams; readonly 2: LinearParams } };
  /** weight [classes + 1, D]; the last row is the null class. */
  readonly y_embedder: { readonly embedding_table: { readonly weight: Tensor2D } };
  readonly blocks: readonly BlockParams[];
  readonly final_layer: FinalLayerParams;
};
