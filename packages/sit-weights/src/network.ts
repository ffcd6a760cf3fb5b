/** Sizes of a network, and names and shapes of its weights under SiT's names. */

/**
 * Time and sign convention of the weights. 'repa': t = 0 is data, the velocity noise - data. 'sit': t = 1 is data, the
 * velocity data - noise. 'dit': steps 0 to 999 of a diffusion, the noise itself.
 */
export type Convention = 'repa' | 'sit' | 'dit';

/** Sizes of a network, as far as they affect its weights. */
export type Network = {
  readonly latentSize: number;
  readonly latentChannels: number;
  readonly patchSize: number;
  readonly hiddenSize: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpRatio: number;
  readonly classes: number;
  /** False where the class table has no row of a null class, as in training without label dropout; true where absent. */
  readonly hasNullClass?: boolean;
  readonly qkNorm: boolean;
  readonly learnSigma: boolean;
  readonly convention: Convention;
};

/** Name of the fixed position table in files. */
export const POSITIONS = 'pos_embed';

/** Name of the table of classes; the null class is its last row, where there is one. */
export const CLASS_TABLE = 'y_embedder.embedding_table.weight';

const FREQUENCIES = 256;

/** Shapes of the trained tensors by name, in the order in which PyTorch's module has them. */
export function trunkShapes(network: Network): ReadonlyMap<string, readonly number[]> {
  const {
    latentChannels,
    patchSize,
    hiddenSize: width,
    depth,
    heads,
    classes,
    hasNullClass = true,
  } = network;
  const shapes = new Map<string, readonly number[]>();
  const layer = (name: string, outputs: number, inputs: number): void => {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    shapes.set(`${name}.bias`, [outputs]);
  };
  shapes.set('x_embedder.proj.weight', [width, latentChannels, patchSize, patchSize]);
  shapes.set('x_embedder.proj.bias', [width]);
  layer('t_embedder.mlp.0', width, FREQUENCIES);
  layer('t_embedder.mlp.2', width, width);
  shapes.set(CLASS_TABLE, [classes + (hasNullClass ? 1 : 0), width]);
  for (let i = 0; i < depth; i++) {
    layer(`blocks.${i}.attn.qkv`, 3 * width, width);
    for (const norm of network.qkNorm ? ['q_norm', 'k_norm'] : []) {
      shapes.set(`blocks.${i}.attn.${norm}.weight`, [width / heads]);
      shapes.set(`blocks.${i}.attn.${norm}.bias`, [width / heads]);
    }
    layer(`blocks.${i}.attn.proj`, width, width);
    layer(`blocks.${i}.mlp.fc1`, Math.round(width * network.mlpRatio), width);
    layer(`blocks.${i}.mlp.fc2`, width, Math.round(width * network.mlpRatio));
    layer(`blocks.${i}.adaLN_modulation.1`, 6 * width, width);
  }
  layer('final_layer.linear', outputChannels(network) * patchSize ** 2, width);
  layer('final_layer.adaLN_modulation.1', 2 * width, width);
  return shapes;
}

/** Channels that the last layer returns. */
export function outputChannels({ latentChannels, learnSigma }: Network): number {
  return learnSigma ? 2 * latentChannels : latentChannels;
}
