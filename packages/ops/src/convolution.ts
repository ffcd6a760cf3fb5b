/** Convolutions with a gradient on every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';

type Padding = 'same' | 'valid';

/**
 * Convolution, NHWC: x [B, H, W, in], filter [k, k, in, out] -> [B, h, w, out]. Where the backend lacks the kernel of the
 * filter's gradient (wasm), that is composed of matrix products.
 */
export function convolution(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  stride: number,
  padding: Padding,
): tf.Tensor4D {
  const forward = (): tf.Tensor4D => tf.conv2d(x, filter, stride, padding);
  if (tf.getKernel('Conv2DBackpropFilter', tf.getBackend()) !== undefined) return forward();
  return differentiable(
    [x, filter],
    (save) => {
      save([x, filter]);
      return forward();
    },
    (dy, saved) => {
      const [input, weight] = saved as [tf.Tensor4D, tf.Tensor4D];
      return [
        tf.conv2dTranspose(dy, weight, input.shape, stride, padding),
        filterGradient(input, dy, weight.shape, stride, padding),
      ];
    },
  );
}

/** Gradient of the filter: at each of its places the product of the pixels that it met with dy [B, h, w, out]. */
function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  shape: [number, number, number, number],
  stride: number,
  padding: Padding,
): tf.Tensor4D {
  const { padInfo, outHeight, outWidth } = tf.backend_util.computeConv2DInfo(
    x.shape,
    shape,
    stride,
    1,
    padding,
  );
  const { top, bottom, left, right } = padInfo;
  const [batch, , , channels] = x.shape;
  const [height, width, , outputs] = shape;
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const upstream = tf.reshape(dy, [batch * outHeight * outWidth, outputs]) as tf.Tensor2D;
  const at = (row: number, column: number): tf.Tensor2D => {
    const end = [batch, row + (outHeight - 1) * stride + 1, column + (outWidth - 1) * stride + 1, channels];
    const met = tf.stridedSlice(padded, [0, row, column, 0], end, [1, stride, stride, 1]);
    const pixels = tf.reshape(met, [batch * outHeight * outWidth, channels]) as tf.Tensor2D;
    return tf.matMul(pixels, upstream, true, false);
  };
  const places = Array.from({ length: height * width }, (_, i) => at(Math.floor(i / width), i % width));
  return tf.reshape(tf.stack(places), shape);
}
