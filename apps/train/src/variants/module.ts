/** An alignment from a module of the user's, in place of those of this program. */

import * as losses from '@ahpa/alignment-losses';
import * as routers from '@ahpa/dynamic-router';
import { userError } from '@ahpa/messages';
import type { Tree } from '@ahpa/ports';
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { ModuleConfig } from '../config/types-alignment.ts';
import type { AlignmentContext } from './context.ts';

/** What a module is given to build with: the same copies that the program uses. */
export interface Kit {
  readonly tf: typeof tf;
  readonly losses: typeof losses;
  readonly routers: typeof routers;
}

/** The default export of a module: an alignment but for its weight, from the kit, its options and what it is built for. */
export type ModuleAlignment = (
  kit: Kit,
  options: Readonly<Record<string, unknown>>,
  context: AlignmentContext,
) => Omit<Alignment<Tree, Tree>, 'weight'>;

/** Loads the module of a configuration. Rejects where it is not there or exports no function by default. */
export async function loadModule({
  module,
  options,
  weight,
}: ModuleConfig): Promise<(context: AlignmentContext) => Alignment<Tree, Tree>> {
  const loaded: { readonly default?: unknown } = await import(module).catch((cause: Error) => {
    throw userError(`alignment.module ${module} cannot be loaded: ${cause.message}.`, { cause });
  });
  const create = loaded.default;
  if (typeof create !== 'function') {
    throw userError(
      `${module} exports ${typeof create} by default, wanted a function that makes an alignment.`,
    );
  }
  return (context) => ({ weight, ...(create as ModuleAlignment)({ tf, losses, routers }, options, context) });
}
