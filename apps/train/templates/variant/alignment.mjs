/** One projection head for each group of VAE features, compared by cosine; every group counts the same at every time. */
export default ({ tf, losses }, { hidden }, { hiddenSize, groups }) => {
  const heads = groups.map(({ width }) => ({ kind: 'mlp', inFeatures: hiddenSize, hidden, out: width }));
  return {
    init: (rng) => ({ projectors: heads.map((head, g) => losses.initHead(head, rng, `projectors.${g}`)) }),
    loss({ projectors }, { hidden: [tokens] }, { targets }) {
      const distances = heads.map((head, g) =>
        tf.mean(losses.cosineDistance(losses.applyHead(projectors[g], tokens, head), targets[g])),
      );
      const metrics = Object.fromEntries(groups.map(({ name }, g) => [`group.${name}`, distances[g]]));
      return { loss: tf.div(tf.addN(distances), heads.length), metrics };
    },
  };
};
