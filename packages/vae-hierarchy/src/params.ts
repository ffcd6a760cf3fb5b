/** Types of the parameter tree; dotted paths in it are the keys of a diffusers state dict. */
import type { LinearParams } from '@ahpa/ports';
import type * as tf from '@tensorflow/tfjs-core';

/** Convolution; `weight` is `[kh, kw, in, out]`. */
export type ConvParams = {
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
};

/** Group normalization. */
export type NormParams = {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
};

/** Residual block; `conv_shortcut` exists where the channel count changes. */
export type ResnetParams = {
  readonly norm1: NormParams;
  readonly conv1: ConvParams;
  readonly norm2: NormParams;
  readonly conv2: ConvParams;
  readonly conv_shortcut?: ConvParams;
};

/** Single-head self-attention over all positions. */
export type AttentionParams = {
  readonly group_norm: NormParams;
  readonly to_q: LinearParams;
  readonly to_k: LinearParams;
  readonly to_v: LinearParams;
  readonly to_out: readonly [LinearParams];
};

/** The part between the levels and the output, of encoder or decoder. */
export type MidParams = {
  readonly resnets: readonly [ResnetParams, ResnetParams];
  readonly attentions?: readonly [AttentionParams];
};

/** One resolution level. */
export type LevelParams = {
  readonly resnets: readonly ResnetParams[];
  readonly downsamplers?: readonly [{ readonly conv: ConvParams }];
  readonly upsamplers?: readonly [{ readonly conv: ConvParams }];
};

type HalfParams = {
  readonly conv_in: ConvParams;
  readonly mid_block: MidParams;
  readonly conv_norm_out: NormParams;
  readonly conv_out: ConvParams;
};

/** Encoder half of the VAE. */
export type EncoderParams = HalfParams & {
  readonly down_blocks: readonly LevelParams[];
};

/** Decoder half of the VAE; level 0 is the coarsest. */
export type DecoderParams = HalfParams & {
  readonly up_blocks: readonly LevelParams[];
};

/** An AutoencoderKL. */
export type KlVaeParams = {
  readonly encoder: EncoderParams;
  readonly decoder: DecoderParams;
  readonly quant_conv?: ConvParams;
  readonly post_quant_conv?: ConvParams;
};

/** Convolution without bias; `weight` is `[kh, kw, in, out]`. */
export type PlainConvParams = {
  readonly weight: tf.Tensor4D;
};

/** Residual block of an AutoencoderTiny: three convolutions, and the branch over the whole image where it has one. */
export type TinyBlockParams = {
  readonly conv: Readonly<Record<0 | 2 | 4, ConvParams>>;
  readonly pool?: Readonly<Record<0 | 3, PlainConvParams> & Record<1, NormParams>>;
};

/** The layers of one half by their position in diffusers' `Sequential`; positions without weights are absent. */
export type TinyHalfParams = {
  readonly layers: Readonly<Record<number, ConvParams | PlainConvParams | TinyBlockParams>>;
};

/** An AutoencoderTiny. */
export type TinyVaeParams = {
  readonly encoder: TinyHalfParams;
  readonly decoder: TinyHalfParams;
};

/** A whole VAE of either kind; dotted paths are the keys of a diffusers state dict. */
export type VaeParams = KlVaeParams | TinyVaeParams;
