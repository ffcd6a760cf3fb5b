/** The names that SiT's family gives to one tensor: wrappers, REPA's early blocks, and the parts that are not the network. */
import type { StateDict, StateTensor } from './tensor.ts';

/** Prefixes of wrapped models, and of a network inside another module. */
const WRAPPERS = '(?:(?:module|_orig_mod|model|net|ema_model|ema|transformer|diffusion_model)\\.)*';

/** The patch embedding under the names of SiT and of diffusers. */
const FIRST = new RegExp(`^(${WRAPPERS})(?:x_embedder\\.proj|pos_embed\\.proj)\\.weight$`);

/** Wrappers that may stand before any tensor of a network. */
const PLAIN = /^(?:(?:module|_orig_mod)\.)+/;

/**
 * The prefix of the network's tensors, such as `net.`; '' where they have none.
 * @throws Error where networks have several
 */
export function findPrefix(names: readonly string[]): string {
  const found = names.flatMap((name) => FIRST.exec(name)?.[1] ?? []);
  if (found.length < 2) return found[0] ?? '';
  const list = found.map((prefix) => JSON.stringify(prefix)).join(', ');
  throw new Error(`There are networks under ${list}: name one as the part (--part).`);
}

/** Heads that alignment trains beside the network: REPA, iREPA and HASTE, SRA. */
const HEADS = /^(?:projectors\.\d+|ap_head)\./;

/** Whether a tensor belongs to an alignment head, not needed for sampling. */
export const isHead = (name: string): boolean => HEADS.test(name);

/** Whether names are of REPA's code alone, which has alignment heads and once had `decoder_blocks`. */
export function showsRepa(tensors: StateDict): boolean {
  const prefix = findPrefix(Object.keys(tensors));
  return Object.keys(tensors).some((key) => {
    const name = (key.startsWith(prefix) ? key.slice(prefix.length) : key).replace(PLAIN, '');
    return isHead(name) || name.startsWith('decoder_blocks.');
  });
}

/**
 * The tensors under SiT's names: no prefixes, and `decoder_blocks` counted after `blocks`.
 * @throws Error where two tensors have one name, or several networks a prefix
 */
export function plainNames<T extends StateTensor>(tensors: StateDict<T>): Record<string, T> {
  const prefix = findPrefix(Object.keys(tensors));
  const stripped = Object.entries(tensors).map(([key, tensor]) => {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : key;
    return [name.replace(PLAIN, ''), tensor] as const;
  });
  const encoders = stripped.map(([name]) => Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? -1));
  const first = 1 + Math.max(-1, ...encoders);
  const named: Record<string, T> = {};
  for (const [stripped_, tensor] of stripped) {
    const name = stripped_.replace(/^decoder_blocks\.(\d+)\./, (_, i) => `blocks.${first + Number(i)}.`);
    if (name in named) throw new Error(`Two tensors of the file are ${name}: remove one.`);
    named[name] = tensor;
  }
  return named;
}
