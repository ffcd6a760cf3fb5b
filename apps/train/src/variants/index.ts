/** From a configuration's `alignment` to the alignment that the trainer runs. */
import type { Alignment, Tree } from '@ahpa/trainer';
import type { AlignmentConfig, ModuleConfig } from '../config/types.ts';
import { ahpaAlignment, type FeatureGroup } from './ahpa.ts';
import { loadModule } from './module.ts';
import { noAlignment } from './none.ts';
import { sra2Alignment } from './sra2.ts';

/** What an alignment is built for. */
export interface AlignmentContext {
  readonly hiddenSize: number;
  /** Groups of VAE features, finest first, as `targets` holds them. */
  readonly groups: readonly FeatureGroup[];
}

/** The alignments of this program. */
export type BuiltInAlignment = Exclude<AlignmentConfig, ModuleConfig>;

/** The alignment of any configuration; rejects where a module of the user's cannot be loaded. */
export async function loadAlignment(
  config: AlignmentConfig,
  context: AlignmentContext,
): Promise<Alignment<Tree, Tree>> {
  return config.kind === 'module' ? (await loadModule(config))(context) : createAlignment(config, context);
}

/** The alignment of a configuration; its targets are one `[B, T, width]` tensor for each group of the context. */
export function createAlignment(
  config: BuiltInAlignment,
  { hiddenSize, groups }: AlignmentContext,
): Alignment<Tree, Tree> {
  const build = {
    none: () => noAlignment(),
    ahpa: () => ahpaAlignment(config as Extract<AlignmentConfig, { kind: 'ahpa' }>, groups, hiddenSize),
    sra2: () =>
      sra2Alignment(
        config as Extract<AlignmentConfig, { kind: 'sra2' }>,
        (groups[0] as FeatureGroup).width,
        hiddenSize,
      ),
  };
  return build[config.kind]() as unknown as Alignment<Tree, Tree>;
}
