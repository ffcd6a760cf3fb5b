/** What an alignment is compared with: groups of VAE features, a teacher's features, the latent itself, or nothing. */

import { userError } from '@ahpa/messages';
import { defaultGroups, type VaeConfig, vaeTaps } from '@ahpa/vae-hierarchy';
import { closest } from 'fastest-levenshtein';
import type { AlignmentConfig, TeacherChoice } from '../config/types-alignment.ts';

/** A group of encoder taps, whose maps become tokens of one target. */
export interface TapGroup {
  readonly name: string;
  readonly taps: readonly string[];
}

/** Where targets come from; a batch holds the groups first, then the teacher's tokens, or the latent alone. */
export interface TargetSource {
  /** Groups of encoder features, finest first. */
  readonly groups: readonly TapGroup[];
  /** Whether the mean of the clean latent, cut into patches, is the target. */
  readonly latent: boolean;
  /** A file of teacher features: tokens, and attention logits after them where it has any. */
  readonly teacher?: string;
}

/** The targets of a configuration's alignment. */
export function targetSource(alignment: AlignmentConfig, vae: VaeConfig): TargetSource {
  switch (alignment.kind) {
    case 'none':
    case 'sra':
      return { groups: [], latent: false };
    case 'sra2':
      return { groups: [], latent: true };
    case 'ahpa':
    case 'module': {
      const chosen = alignment.groups === 'default' ? defaultGroups(vae) : alignment.groups;
      const groups = Object.entries(chosen).map(([name, taps]) => ({ name, taps }));
      checkTaps(groups, vae, (name) => `alignment.groups.${name}`);
      return { groups, latent: false };
    }
    default:
      return teacherSource(alignment.teacher, vae);
  }
}

function teacherSource(teacher: TeacherChoice, vae: VaeConfig): TargetSource {
  if (teacher.kind === 'file') return { groups: [], latent: false, teacher: teacher.path };
  const groups = [{ name: 'teacher', taps: teacher.taps }];
  checkTaps(groups, vae, () => 'alignment.teacher.taps');
  return { groups, latent: false };
}

function checkTaps(groups: readonly TapGroup[], vae: VaeConfig, place: (name: string) => string): void {
  const known = vaeTaps(vae).map(({ name }) => name);
  for (const { name, taps } of groups) {
    const unknown = taps.find((tap) => !known.includes(tap));
    if (unknown === undefined) continue;
    throw userError(
      `${place(name)}: this VAE has no tap "${unknown}", the nearest is "${closest(unknown, known)}".`,
    );
  }
}
