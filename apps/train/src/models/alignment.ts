/** The alignment of a configuration: its targets, its taps in the network, and its loss. */
import { pathToFileURL } from 'node:url';
import * as losses from '@ahpa/alignment-losses';
import * as routers from '@ahpa/dynamic-router';
import type { TapGroup } from '@ahpa/image-features';
import { userError } from '@ahpa/messages';
import type { Alignment, AlignmentSpec } from '@ahpa/ports';
import { defaultGroups, type VaeConfig, vaeTaps } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { closest } from 'fastest-levenshtein';
import { type AlignmentConfig, alignmentKind, alignmentRouter } from '../config/alignment.ts';
import { assertTrusted } from '../files/trusted-modules.ts';

/** The features that a batch holds as targets: groups of VAE features, or a file of a teacher's. */
export interface TargetSource {
  /** Groups of encoder features, finest first. */
  readonly groups: readonly TapGroup[];
  /** A file of teacher features: tokens, and attention logits after them where it has any. */
  readonly teacher?: string;
}

/** The features of an alignment's targets. @throws an error the user can fix where the VAE lacks a tap. */
export function targetSource(config: AlignmentConfig, vae: VaeConfig): TargetSource {
  const { groups, file } = alignmentKind(config).targets(config as never);
  const chosen = groups === 'default' ? defaultGroups(vae) : groups;
  const known = vaeTaps(vae).map(({ name }) => name);
  for (const [name, taps] of Object.entries(chosen)) {
    const unknown = taps.find((tap) => !known.includes(tap));
    if (unknown === undefined) continue;
    throw userError(
      `alignment: the group "${name}" names the tap "${unknown}", which this VAE does not have; the nearest is "${closest(unknown, known)}".`,
    );
  }
  return {
    groups: Object.entries(chosen).map(([name, taps]) => ({ name, taps })),
    ...(file !== undefined && { teacher: file }),
  };
}

/** The alignment of a configuration for a network and its data; rejects where a module of the user's cannot be loaded, or only a file names it. */
export async function loadAlignment(
  config: AlignmentConfig,
  spec: AlignmentSpec,
): Promise<losses.AlignmentParts> {
  const { kind: _, router: __, ...options } = config;
  const kind = await loadKind(config);
  return fixable(() => losses.assembleAlignment(kind, options as never, spec, alignmentRouter(config)));
}

/** The kind of a configuration, which creates its alignment; that of a module once it is loaded. */
async function loadKind(config: AlignmentConfig): Promise<losses.AlignmentKind> {
  const kind = alignmentKind(config);
  if (typeof config['module'] !== 'string') return kind;
  const create = await loadModule(config['module'], config['options'] as ModuleOptions);
  return { ...kind, create: (_, spec) => create(spec) };
}

type ModuleOptions = Readonly<Record<string, unknown>>;

/** Libraries that a module is given: the same copies that the program uses. */
export interface Kit {
  readonly tf: typeof tf;
  readonly losses: typeof losses;
  readonly routers: typeof routers;
}

/** The default export of a module. */
type ModuleAlignment = (
  kit: Kit,
  options: ModuleOptions,
  spec: AlignmentSpec,
) => Parameters<typeof losses.completeAlignment>[0];

async function loadModule(
  module: string,
  options: ModuleOptions,
): Promise<(spec: AlignmentSpec) => Alignment> {
  assertTrusted(module);
  const loaded: { readonly default?: unknown } = await import(pathToFileURL(module).href).catch(
    (cause: Error) => {
      throw userError(`alignment.module ${module} cannot be loaded: ${cause.message}.`, { cause });
    },
  );
  const create = loaded.default;
  if (typeof create !== 'function') {
    throw userError(
      `${module} exports ${typeof create} by default, wanted a function that makes an alignment.`,
    );
  }
  return (spec) => {
    const own = (create as ModuleAlignment)({ tf, losses, routers }, options, spec);
    if ('memory' in own) {
      throw userError(
        `${module} has "memory", which is now "initState" (and "state" among the inputs of targets and loss): rename it.`,
      );
    }
    return losses.completeAlignment(own);
  };
}

/** The result of `create`; a RangeError is one the user can fix. */
function fixable<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (error instanceof RangeError) throw userError(error.message, { cause: error });
    throw error;
  }
}
