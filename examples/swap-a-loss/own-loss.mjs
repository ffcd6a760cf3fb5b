/** Hidden tokens, through one linear map, should give the differences between neighbouring target tokens. */
export default ({ tf }, _options, { hiddenSize, groups }) => ({
  init: (rng) => ({
    maps: groups.map(({ width }, g) => tf.mul(rng.normal([hiddenSize, width], `init/maps.${g}`), 0.1)),
  }),
  loss({ maps }, { hidden: [tokens] }, { targets }) {
    const [batch, count, size] = tokens.shape;
    const next = (x) => tf.slice(x, [0, 1, 0]);
    const here = (x) => tf.slice(x, [0, 0, 0], [-1, count - 1, -1]);
    const losses = maps.map((map, g) => {
      const flat = tf.matMul(tf.reshape(tokens, [-1, size]), map);
      const predicted = here(tf.reshape(flat, [batch, count, -1]));
      return tf.mean(tf.square(tf.sub(predicted, tf.sub(next(targets[g]), here(targets[g])))));
    });
    return { loss: tf.div(tf.addN(losses), losses.length), metrics: {} };
  },
});
