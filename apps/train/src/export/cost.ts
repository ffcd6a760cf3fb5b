/** Cost of an exported model, counted from its tensors, beside that of a plain SiT of its size. */
import { forwardFlops, parameterCount, tokenCount } from '@ahpa/dit-core';
import type { TrainedModel } from '../models/trained-model.ts';

/** Trained values, and multiply-accumulates of one forward pass of one image. */
export interface Cost {
  readonly parameters: number;
  readonly macs: number;
}

/** The two, and the values that only training needed. */
export interface ModelCost {
  readonly model: Cost;
  readonly plainSit: Cost;
  readonly dropped: number;
}

/** Weights that act once on an image, and not once on each token. */
const ONCE_AN_IMAGE = /^t_embedder\.|adaLN_modulation/;

/** Of a model as it is in memory. */
export function countCost({ network, weights, dropped = 0 }: TrainedModel): ModelCost {
  const tokens = tokenCount(network);
  let parameters = 0;
  let macs = network.depth * 2 * tokens ** 2 * network.hiddenSize; // attention: scores and their use
  for (const [name, { shape }] of Object.entries(weights)) {
    const values = shape.reduce((product, length) => product * length, 1);
    if (name !== 'pos_embed') parameters += values;
    const isProduct = shape.length > 1 && name !== 'pos_embed' && !name.startsWith('y_embedder.');
    if (isProduct) macs += values * (ONCE_AN_IMAGE.test(name) ? 1 : tokens);
  }
  const plainSit = { parameters: parameterCount(network), macs: forwardFlops(network).macs };
  return { model: { parameters, macs }, plainSit, dropped };
}
