/** Targets as wide as the groups that hold nothing but the clean latent: fixed random projections of its patches. */
import { evenHeads } from './even-heads.mjs';

export default (kit, options, context) => {
  const { tf } = kit;
  const { patchSize, latentWidth: inputs } = context;
  const initState = (rng) => ({
    projections: context.groups.map(({ width }, g) => rng.normal([inputs, width], `init/projection.${g}`)),
  });
  const patches = (x0) => {
    const [batch, height, width] = x0.shape;
    const [rows, columns] = [height / patchSize, width / patchSize];
    const cut = tf.reshape(x0, [batch, rows, patchSize, columns, patchSize, -1]);
    return tf.reshape(tf.transpose(cut, [0, 1, 3, 2, 4, 5]), [batch * rows * columns, inputs]);
  };
  const targets = ({ x0, state: { projections } }) =>
    projections.map((map) => tf.reshape(tf.matMul(patches(x0), map), [x0.shape[0], -1, map.shape[1]]));
  return evenHeads(kit, options, context)(targets, initState);
};
