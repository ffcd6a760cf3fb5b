/** diffusers' DiTTransformer2DModel: its names, its separate queries, keys and values, its configuration. */
import { type Network, outputChannels } from './network.ts';
import { joinRows, type StateDict, type StateTensor, sameTensor, splitRows } from './tensor.ts';

/** The model class that a folder's config.json names. */
export const DIFFUSERS_CLASS = 'DiTTransformer2DModel';

const ENDS: readonly (readonly [sit: string, diffusers: string])[] = [
  ['x_embedder.proj', 'pos_embed.proj'],
  ['final_layer.adaLN_modulation.1', 'proj_out_1'],
  ['final_layer.linear', 'proj_out_2'],
];
const BLOCK: readonly (readonly [sit: string, diffusers: string])[] = [
  ['attn.proj', 'attn1.to_out.0'],
  ['mlp.fc1', 'ff.net.0.proj'],
  ['mlp.fc2', 'ff.net.2'],
  ['adaLN_modulation.1', 'norm1.linear'],
];
/** Every block has its own copy of the embedders of time and class. */
const SHARED: readonly (readonly [sit: string, diffusers: string])[] = [
  ['t_embedder.mlp.0.weight', 'norm1.emb.timestep_embedder.linear_1.weight'],
  ['t_embedder.mlp.0.bias', 'norm1.emb.timestep_embedder.linear_1.bias'],
  ['t_embedder.mlp.2.weight', 'norm1.emb.timestep_embedder.linear_2.weight'],
  ['t_embedder.mlp.2.bias', 'norm1.emb.timestep_embedder.linear_2.bias'],
  ['y_embedder.embedding_table.weight', 'norm1.emb.class_embedder.embedding_table.weight'],
];
const QKV = ['to_q', 'to_k', 'to_v'];
const ENDINGS = ['weight', 'bias'];

/** Whether the names are diffusers'. */
export const hasDiffusersNames = (tensors: StateDict): boolean =>
  'transformer_blocks.0.attn1.to_q.weight' in tensors;

/** Names under which diffusers keeps the tensors of one SiT name: three for `qkv`, one a block for the embedders. */
function diffusersNames(name: string, depth: number): readonly string[] {
  const shared = SHARED.find(([sit]) => sit === name)?.[1];
  if (shared) return Array.from({ length: depth }, (_, i) => `transformer_blocks.${i}.${shared}`);
  const [, stem = '', ending = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const [, index, rest] = /^blocks\.(\d+)\.(.*)$/.exec(stem) ?? [];
  const table = index === undefined ? ENDS : BLOCK;
  const prefix = index === undefined ? '' : `transformer_blocks.${index}.`;
  if (rest === 'attn.qkv') return QKV.map((part) => `${prefix}attn1.${part}.${ending}`);
  const found = table.find(([sit]) => sit === (rest ?? stem))?.[1];
  return found === undefined ? [] : [`${prefix}${found}.${ending}`];
}

/**
 * The tensors under diffusers' names. `trunk` is complete and has no qk-norm, which diffusers does not support.
 * @throws Error where diffusers has no name for a tensor
 */
export function toDiffusers<T extends StateTensor>(trunk: StateDict<T>, depth: number): Record<string, T> {
  const named: Record<string, T> = {};
  for (const [name, tensor] of Object.entries(trunk)) {
    const names = diffusersNames(name, depth);
    if (names.length === 0) throw new Error(`diffusers' ${DIFFUSERS_CLASS} has no place for ${name}.`);
    const parts = name.includes('.attn.qkv.') ? splitRows(tensor, QKV.length) : names.map(() => tensor);
    names.forEach((other, i) => {
      named[other] = parts[i] as T;
    });
  }
  return named;
}

/**
 * The tensors under SiT's names; tensors unknown to diffusers keep their names.
 * @throws Error where the copies of an embedder differ
 */
export function fromDiffusers<T extends StateTensor>(tensors: StateDict<T>): Record<string, T> {
  const left = new Map(Object.entries(tensors));
  const blocks = [...left.keys()].map((name) => Number(/^transformer_blocks\.(\d+)\./.exec(name)?.[1] ?? -1));
  const depth = 1 + Math.max(-1, ...blocks);
  const stems = [
    ...ENDS.map(([sit]) => sit),
    ...Array.from({ length: depth }, (_, i) =>
      ['attn.qkv', ...BLOCK.map(([sit]) => sit)].map((part) => `blocks.${i}.${part}`),
    ).flat(),
  ];
  const wanted = [
    ...SHARED.map(([sit]) => sit),
    ...stems.flatMap((stem) => ENDINGS.map((end) => `${stem}.${end}`)),
  ];
  const named: Record<string, T> = {};
  for (const name of wanted) {
    const names = diffusersNames(name, depth);
    const parts = names.map((other) => left.get(other));
    if (parts.some((part) => part === undefined)) continue; // listed as missing, its other parts as unknown
    const found = parts as T[];
    if (name.includes('.attn.qkv.')) named[name] = joinRows(found);
    else {
      const odd = found.findIndex((part) => !sameTensor(part, found[0] as T));
      if (odd > 0)
        throw new Error(`${names[odd]} differs from ${names[0]}: SiT has one embedder for all blocks.`);
      named[name] = found[0] as T;
    }
    for (const other of names) left.delete(other);
  }
  return { ...named, ...Object.fromEntries(left) };
}

/**
 * The network of diffusers' config.json.
 * @throws Error where a value is invalid or not DiT's
 */
export function parseDiffusersConfig(config: Readonly<Record<string, unknown>>): Network {
  const number = (key: string, fallback?: number): number => {
    const value = config[key] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    throw new Error(`config.json has ${key} ${JSON.stringify(value)}, wanted a positive integer.`);
  };
  const fixed = {
    norm_type: 'ada_norm_zero',
    activation_fn: 'gelu-approximate',
    attention_bias: true,
    norm_elementwise_affine: false,
  };
  for (const [key, wanted] of Object.entries(fixed)) {
    if ((config[key] ?? wanted) !== wanted)
      throw new Error(
        `config.json has ${key} ${JSON.stringify(config[key])}, wanted ${JSON.stringify(wanted)} as in DiT.`,
      );
  }
  const [heads, latentChannels] = [number('num_attention_heads', 16), number('in_channels', 4)];
  const outputs = number('out_channels', latentChannels);
  return {
    latentSize: number('sample_size', 32),
    latentChannels,
    patchSize: number('patch_size', 2),
    hiddenSize: heads * number('attention_head_dim', 72),
    depth: number('num_layers', 28),
    heads,
    mlpRatio: 4,
    classes: number('num_embeds_ada_norm', 1000),
    qkNorm: false,
    learnSigma: outputs === 2 * latentChannels,
    convention: 'dit',
  };
}

/** diffusers' config.json of a network. */
export function diffusersConfig(network: Network): Readonly<Record<string, unknown>> {
  const { heads, hiddenSize, latentChannels, depth, latentSize, patchSize, classes } = network;
  return {
    _class_name: DIFFUSERS_CLASS,
    activation_fn: 'gelu-approximate',
    attention_bias: true,
    attention_head_dim: hiddenSize / heads,
    dropout: 0,
    in_channels: latentChannels,
    norm_elementwise_affine: false,
    norm_eps: 1e-5,
    norm_num_groups: 32,
    norm_type: 'ada_norm_zero',
    num_attention_heads: heads,
    num_embeds_ada_norm: classes,
    num_layers: depth,
    out_channels: outputChannels(network),
    patch_size: patchSize,
    sample_size: latentSize,
    upcast_attention: false,
  };
}
