/** The names that SiT's family gives to one tensor: wrappers, REPA's early blocks, and the parts that are not the network. */
import type { StateDict, StateTensor } from './tensor.ts';

/** Prefixes of wrapped models. */
const WRAPPERS = /^(?:(?:module|_orig_mod)\.)+/;

/** Heads that alignment trains beside the network: REPA, iREPA and HASTE, SRA. */
const HEADS = /^(?:projectors\.\d+|ap_head)\./;

/** Whether a tensor belongs to an alignment head, not needed for sampling. */
export const isHead = (name: string): boolean => HEADS.test(name);

/** Whether names are of REPA's code alone, which has alignment heads and once had `decoder_blocks`. */
export const showsRepa = (tensors: StateDict): boolean =>
  Object.keys(tensors).some((key) => {
    const name = key.replace(WRAPPERS, '');
    return isHead(name) || name.startsWith('decoder_blocks.');
  });

/**
 * The tensors under SiT's names: no wrapper prefixes, and `decoder_blocks` counted after `blocks`.
 * @throws Error where two tensors have one name
 */
export function plainNames<T extends StateTensor>(tensors: StateDict<T>): Record<string, T> {
  const stripped = Object.entries(tensors).map(
    ([key, tensor]) => [key.replace(WRAPPERS, ''), tensor] as const,
  );
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
