/** From a configuration's `alignment` to the alignment that the trainer runs. */
import type { Tree } from '@ahpa/ports';
import type { Alignment } from '@ahpa/trainer';
import type { AlignmentConfig, ModuleConfig } from '../config/types-alignment.ts';
import { ahpaAlignment } from './ahpa.ts';
import type { AlignmentContext } from './context.ts';
import { hasteAlignment } from './haste.ts';
import { loadModule } from './module.ts';
import { noAlignment } from './none.ts';
import { repaAlignment } from './repa.ts';
import { sraAlignment } from './sra.ts';
import { sra2Alignment } from './sra2.ts';

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
export function createAlignment(config: BuiltInAlignment, context: AlignmentContext): Alignment<Tree, Tree> {
  return build(config, context) as unknown as Alignment<Tree, Tree>;
}

function build(config: BuiltInAlignment, context: AlignmentContext): unknown {
  switch (config.kind) {
    case 'none':
      return noAlignment();
    case 'ahpa':
      return ahpaAlignment(config, context);
    case 'repa':
    case 'irepa':
      return repaAlignment(config, context);
    case 'sra':
      return sraAlignment(config, context);
    case 'sra2':
      return sra2Alignment(config, context);
    case 'haste':
      return hasteAlignment(config, context);
  }
}
