/** What the controls share: a projection head for each group, every group weighing the same, and targets of the control's own. */
export const evenHeads =
  ({ tf, losses }, { hidden = 256 }, { hiddenSize, groups }) =>
  (targets, initState = () => ({})) => {
    const heads = groups.map(({ width }) => ({
      kind: 'mlp',
      inFeatures: hiddenSize,
      hidden,
      layers: 3,
      out: width,
    }));
    return {
      init: (rng) => ({ projectors: heads.map((head, g) => losses.initHead(head, rng, `projectors.${g}`)) }),
      initState,
      targets,
      loss({ projectors }, { hidden: [tokens] }, context) {
        const distances = heads.map((head, g) =>
          tf.mean(losses.cosineDistance(losses.applyHead(projectors[g], tokens, head), context.targets[g])),
        );
        const metrics = Object.fromEntries(groups.map(({ name }, g) => [`group.${name}`, distances[g]]));
        return { loss: tf.div(tf.addN(distances), heads.length), metrics };
      },
    };
  };
