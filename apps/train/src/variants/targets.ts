/** What an alignment is compared with: groups of VAE features, the latent itself, or nothing. */
import { defaultGroups, type VaeConfig, vaeTaps } from '@ahpa/vae-hierarchy';
import { closest } from 'fastest-levenshtein';
import type { AlignmentConfig } from '../config/types.ts';
import { userError } from '../errors.ts';

/** A group of encoder taps, whose maps become tokens of one target. */
export interface TapGroup {
  readonly name: string;
  readonly taps: readonly string[];
}

/** Where targets come from. */
export interface TargetSource {
  /** Groups of encoder features, finest first. */
  readonly groups: readonly TapGroup[];
  /** Whether the clean latent, cut into patches, is the target. */
  readonly latent: boolean;
}

/** The targets of a configuration's alignment. */
export function targetSource(alignment: AlignmentConfig, vae: VaeConfig): TargetSource {
  if (!('groups' in alignment)) return { groups: [], latent: alignment.kind === 'sra2' };
  const chosen = alignment.groups === 'default' ? defaultGroups(vae) : alignment.groups;
  const groups = Object.entries(chosen).map(([name, taps]) => ({ name, taps }));
  checkTaps(groups, vae);
  return { groups, latent: false };
}

function checkTaps(groups: readonly TapGroup[], vae: VaeConfig): void {
  const known = vaeTaps(vae).map(({ name }) => name);
  for (const { name, taps } of groups) {
    const unknown = taps.find((tap) => !known.includes(tap));
    if (unknown === undefined) continue;
    throw userError(
      `alignment.groups.${name}: this VAE has no tap "${unknown}", the nearest is "${closest(unknown, known)}".`,
    );
  }
}
