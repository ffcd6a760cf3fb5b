/** Names of VAE weights: diffusers (new and old), CompVis, and the bare `Sequential` of TAESD. */

/** Equivalent names of the tensors of an attention block. */
const ATTENTION_NAMES: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
  query: 'to_q',
  key: 'to_k',
  value: 'to_v',
  proj_attn: 'to_out.0',
};

/** Modules that hold a VAE in a checkpoint, and wrappers of models. */
const HOLDERS = '(?:(?:module|_orig_mod|first_stage_model|vae|autoencoder|model|net|ema_model)\\.)*';

/** The first convolution of an encoder. */
const FIRST = new RegExp(`^(${HOLDERS})encoder\\.(?:conv_in|layers\\.0|0)\\.weight$`);

const OWN = new RegExp(`^${HOLDERS}(?:encoder|decoder|quant_conv|post_quant_conv)\\.`);

/** Whether a tensor's name is one of a VAE, alone or inside a checkpoint. */
export const isVaeKey = (key: string): boolean => OWN.test(key);

/**
 * The prefix of the VAE's keys, such as `first_stage_model.`; '' where they have none, undefined where there is no encoder.
 * @throws Error where there are several
 */
export function findVaePrefix(keys: readonly string[]): string | undefined {
  const found = keys.flatMap((key) => FIRST.exec(key)?.[1] ?? []);
  if (found.length < 2) return found[0];
  const list = found.map((prefix) => JSON.stringify(prefix)).join(', ');
  throw new Error(`VAE state dict: there are VAEs under ${list}; keep one.`);
}

/** Weights beside the VAE in a checkpoint of VAE training. */
const TRAINING_ONLY = /^loss\./;

/** CompVis counts decoder levels from the finest, diffusers from the coarsest. */
function klKey(key: string, levels: number): string {
  return key
    .replace(/^encoder\.down\.(\d+)\.block\./, 'encoder.down_blocks.$1.resnets.')
    .replace(/^encoder\.down\.(\d+)\.downsample\./, 'encoder.down_blocks.$1.downsamplers.0.')
    .replace(/^decoder\.up\.(\d+)\.block\./, (_, i) => `decoder.up_blocks.${levels - 1 - Number(i)}.resnets.`)
    .replace(
      /^decoder\.up\.(\d+)\.upsample\./,
      (_, i) => `decoder.up_blocks.${levels - 1 - Number(i)}.upsamplers.0.`,
    )
    .replace(/\.nin_shortcut\./, '.conv_shortcut.')
    .replace(/\.mid\.block_([12])\./, (_, i) => `.mid_block.resnets.${Number(i) - 1}.`)
    .replace(/\.mid\.attn_1\./, '.mid_block.attentions.0.')
    .replace(/(?<=\.attentions\.0\.)(\w+)(?=\.(weight|bias)$)/, (name) => ATTENTION_NAMES[name] ?? name)
    .replace(/^((?:en|de)coder)\.norm_out\./, '$1.conv_norm_out.');
}

/** TAESD's decoder starts with a clamp, which diffusers does not count. */
function tinyKey(key: string): string {
  return key
    .replace(/^encoder\.(\d+)\./, 'encoder.layers.$1.')
    .replace(/^decoder\.(\d+)\./, (_, i) => `decoder.layers.${Number(i) - 1}.`);
}

/** Levels of the encoder of an AutoencoderKL, from its keys. */
function countLevels(keys: readonly string[]): number {
  const levels = keys.map((key) => /^encoder\.down(?:_blocks)?\.(\d+)\./.exec(key)?.[1]);
  return new Set(levels.filter((level) => level !== undefined)).size;
}

/** Whether the keys are those of an AutoencoderTiny. */
export function hasTinyKeys(keys: readonly string[]): boolean {
  return keys.some((key) => /^(?:en|de)coder\.(?:layers\.)?\d+\./.test(key));
}

/**
 * The entries of a state dict under diffusers' names, each with its own name: of a checkpoint that holds a
 * VAE under a prefix only that, of a training checkpoint without the loss.
 * @throws Error where two keys name one weight, or there are several VAEs
 */
export function diffusersEntries<T>(
  tensors: Readonly<Record<string, T>>,
): Map<string, readonly [key: string, tensor: T]> {
  const all = Object.entries(tensors);
  const holder = findVaePrefix(Object.keys(tensors)) ?? '';
  const prefix = holder.length;
  const entries = all.filter(([key]) => key.startsWith(holder) && !TRAINING_ONLY.test(key.slice(prefix)));
  const keys = entries.map(([key]) => key.slice(prefix));
  const [tiny, levels] = [hasTinyKeys(keys), countLevels(keys)];
  const found = new Map<string, readonly [string, T]>();
  for (const entry of entries) {
    const key = entry[0].slice(prefix);
    const name = tiny ? tinyKey(key) : klKey(key, levels);
    const other = found.get(name);
    if (other) throw new Error(`VAE state dict: ${other[0]} and ${entry[0]} both name ${name}; remove one.`);
    found.set(name, entry);
  }
  return found;
}

/** One state dict of the two files in which TAESD keeps encoder and decoder, whose keys start with a number. */
export function joinHalves<T>(
  encoder: Readonly<Record<string, T>>,
  decoder: Readonly<Record<string, T>>,
): Record<string, T> {
  const under = (half: string, tensors: Readonly<Record<string, T>>): (readonly [string, T])[] =>
    Object.entries(tensors).map(([key, tensor]) => [`${half}.${key}`, tensor]);
  return Object.fromEntries([...under('encoder', encoder), ...under('decoder', decoder)]);
}
