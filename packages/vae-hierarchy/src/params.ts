/** Types of the parameter tree; dotted paths in it are the keys of a diffusers state dict. */
import type * as tf from '@tensorflow/tfjs-core';

/** Convolution; `weight` is `[kh, kw, in, out]`. */
export interface ConvParams {
  readonly weight: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/** Linear layer; `weight` is `[out, in]`. */
export interface LinearParams {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

/** Group normalization. */
export interface NormParams {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

/** Residual block; `conv_shortcut` exists where the channel count changes. */
export interface ResnetParams {
  readonly norm1: NormParams;
  readonly conv1: ConvParams;
  readonly norm2: NormParams;
  readonly conv2: ConvParams;
  readonly conv_shortcut?: ConvParams;
}

/** Single-head self-attention over all positions. */
export interface AttentionParams {
  readonly group_norm: NormParams;
  readonly to_q: LinearParams;
  readonly to_k: LinearParams;
  readonly to_v: LinearParams;
  readonly to_out: readonly [LinearParams];
}

/** The part between the levels and the output, of encoder or decoder. */
export interface MidParams {
  readonly resnets: readonly [ResnetParams, ResnetParams];
  readonly attentions?: readonly [AttentionParams];
}

/** One resolution level. */
export interface LevelParams {
  readonly resnets: readonly ResnetParams[];
  readonly downsamplers?: readonly [{ readonly conv: ConvParams }];
  readonly upsamplers?: readonly [{ readonly conv: ConvParams }];
}

interface HalfParams {
  readonly conv_in: ConvParams;
  readonly mid_block: MidParams;
  readonly conv_norm_out: NormParams;
  readonly conv_out: ConvParams;
}

/** Encoder half of the VAE. */
export interface EncoderParams extends HalfParams {
  readonly down_blocks: readonly LevelParams[];
}

/** Decoder half of the VAE; level 0 is the coarsest. */
export interface DecoderParams extends HalfParams {
  readonly up_blocks: readonly LevelParams[];
}

/** An AutoencoderKL. */
export interface KlVaeParams {
  readonly encoder: EncoderParams;
  readonly decoder: DecoderParams;
  readonly quant_conv?: ConvParams;
  readonly post_quant_conv?: ConvParams;
}

/** Convolution without bias; `weight` is `[kh, kw, in, out]`. */
export interface PlainConvParams {
  readonly weight: tf.Tensor4D;
  readonly bias?: undefined;
}

/** Residual block of an AutoencoderTiny: three convolutions, and the branch over the whole image where it has one. */
export interface TinyBlockParams {
  readonly conv: Readonly<Record<0 | 2 | 4, ConvParams>>;
  readonly pool?: Readonly<Record<0 | 3, PlainConvParams> & Record<1, NormParams>>;
}

/** The layers of one half by their position in diffusers' `Sequential`; positions without weights are absent. */
export interface TinyHalfParams {
  readonly layers: Readonly<Record<number, ConvParams | PlainConvParams | TinyBlockParams>>;
}

/** An AutoencoderTiny. */
export interface TinyVaeParams {
  readonly encoder: TinyHalfParams;
  readonly decoder: TinyHalfParams;
}

/** A whole VAE of either kind; dotted paths are the keys of a diffusers state dict. */
export type VaeParams = KlVaeParams | TinyVaeParams;
