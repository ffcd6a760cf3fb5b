/** From the state dict of `pt_inception-2015-12-05`, or of NVIDIA's TorchScript file of it, to parameters: normalisations folded, layouts turned. */
import * as tf from '@tensorflow/tfjs-core';
import { portNames } from './inception-names.ts';
import type { NetworkParams } from './network.ts';

/** A tensor of a state dict. */
interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Of every batch normalisation of the network. */
const EPSILON = 1e-3;
const CONVOLUTIONS = 94;

function entry(state: Readonly<Record<string, StateTensor>>, name: string, rank: number): tf.Tensor {
  const found = state[name];
  if (found?.shape.length !== rank)
    throw new Error(
      `The Inception weights have ${found ? `[${found.shape}]` : 'nothing'} at ${name}, wanted the layout of pt_inception-2015-12-05 (torchvision's weights are another network).`,
    );
  return tf.tensor(found.data, [...found.shape]);
}

/** y = (W x - mean) gamma / sqrt(var + eps) + beta, as one kernel `[h, w, in, out]` and one bias. */
function folded(
  state: Readonly<Record<string, StateTensor>>,
  name: string,
): { kernel: tf.Tensor; bias: tf.Tensor } {
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    entry(state, `${name}.bn.${part}`, 1),
  ) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const scale = tf.div(gamma, tf.sqrt(tf.add(variance, EPSILON)));
  const kernel = tf.transpose(entry(state, `${name}.conv.weight`, 4), [2, 3, 1, 0]);
  return { kernel: tf.mul(kernel, scale), bias: tf.sub(beta, tf.mul(mean, scale)) };
}

/** The parameters on the active backend, owned by the caller. Throws where the layout is another one. */
export function loadInception(weights: Readonly<Record<string, StateTensor>>): NetworkParams {
  const state = portNames(weights);
  return tf.tidy(() => {
    const names = Object.keys(state).flatMap((key) =>
      key.endsWith('.conv.weight') && !key.startsWith('AuxLogits')
        ? [key.slice(0, -'.conv.weight'.length)]
        : [],
    );
    const classes = state['fc.weight']?.shape[0];
    if (names.length !== CONVOLUTIONS || classes !== 1008)
      throw new Error(
        `The Inception weights have ${names.length} convolutions and ${classes ?? 'no'} outputs, wanted ${CONVOLUTIONS} and 1008: those of pt_inception-2015-12-05 or inception-2015-12-05.pt (torchvision's weights are another network).`,
      );
    const params: Record<string, tf.Tensor> = {};
    for (const name of names) {
      const { kernel, bias } = folded(state, name);
      params[`${name}.kernel`] = kernel;
      params[`${name}.bias`] = bias;
    }
    params['fc.kernel'] = tf.transpose(entry(state, 'fc.weight', 2));
    return params;
  });
}
