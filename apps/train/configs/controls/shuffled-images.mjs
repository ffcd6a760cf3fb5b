/** Each image is aligned with the features of another image of its batch: nothing true can be learned from them. */
import { evenHeads } from './even-heads.mjs';

export default (kit, options, context) => {
  const { tf } = kit;
  const turned = (x) => tf.concat([tf.slice(x, 1), tf.slice(x, 0, 1)]);
  return evenHeads(kit, options, context)(({ targets }) => targets.map(turned));
};
