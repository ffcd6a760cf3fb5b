/** The configuration of a command line: files found, laid over one another, and checked. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { userError } from '@ahpa/messages';
import { closest } from 'fastest-levenshtein';
import { inPackage } from '../files/package-folder.ts';
import { trustModule } from '../files/trusted-modules.ts';
import { isObject, type JsonObject, layerOf, mergeLayers, wholePaths } from './layers.ts';
import { parseTrainConfig } from './parse.ts';
import { CONFIG_FILE, readConfigFile } from './read-file.ts';
import { renameKeys, type Warn, withoutRepeats } from './rename-keys.ts';
import type { TrainConfig } from './schema.ts';

/** Configurations and assignments of a command line. */
export interface ConfigRequest {
  /** Built-in names (`demo`), paths that end in `.json` or `.yaml`, or installed variant packages; later ones win. */
  readonly names: readonly string[];
  /** `a.b=value`; they win over files. */
  readonly set: readonly string[];
  /** A resolved configuration that they change, in place of the defaults. */
  readonly over?: TrainConfig;
}

/** Names of the built-in configurations. */
export function builtInConfigs(): string[] {
  const files = readdirSync(inPackage('configs')).filter((file) => file.endsWith('.json'));
  return files.filter((file) => !file.endsWith('.schema.json')).map((file) => file.slice(0, -'.json'.length));
}

/**
 * A resolved configuration: defaults, then the files with what they extend (each once), then assignments.
 * `warn` gets one line for each key that is given under an old name.
 * @throws where a file cannot be found or read, or the result is not valid.
 */
export function loadConfig({ names, set, over }: ConfigRequest, warn: Warn = () => undefined): TrainConfig {
  const files = new Map<string, JsonObject>();
  for (const name of [...(over ? [] : ['base']), ...names]) addFile(locate(name, process.cwd()), files, []);
  const report = withoutRepeats(warn);
  const below = [...files]
    .map(([path, layer]) => locateModule(renameKeys(layer, report), dirname(path), false))
    .reduce((lower, upper) => mergeLayers(lower, upper), over ?? {});
  const assigned = locateModule(renameKeys(layerOf(set), report), process.cwd(), true);
  return parseTrainConfig(mergeLayers(below, assigned, wholePaths(set)));
}

function addFile(path: string, files: Map<string, JsonObject>, within: readonly string[]): void {
  if (files.has(path)) return;
  if (within.includes(path)) throw userError(`${path} extends itself: ${[...within, path].join(' -> ')}.`);
  const { extends: parent, $schema: _, ...layer } = readConfigFile(path);
  if (parent !== undefined) addFile(locate(String(parent), dirname(path)), files, [...within, path]);
  files.set(path, layer);
}

/**
 * The layer with the absolute path of its alignment's module, resolved from `folder`. The user names a module by typing it, and by
 * naming a configuration that it lies beside or that is of its package; one with an absolute path may have been written elsewhere.
 */
function locateModule(layer: JsonObject, folder: string, typed: boolean): JsonObject {
  const { alignment } = layer;
  if (!isObject(alignment) || typeof alignment['module'] !== 'string') return layer;
  const name = alignment['module'];
  const isPath = isAbsolute(name) || name.startsWith('.');
  const path = isPath ? resolve(folder, name) : resolvePackage(name, folder);
  if (typed || !isAbsolute(name)) trustModule(path);
  return { ...layer, alignment: { ...alignment, module: path } };
}

function resolvePackage(name: string, folder: string): string {
  try {
    return createRequire(join(folder, 'any.js')).resolve(name);
  } catch (cause) {
    throw userError(`There is no package "${name}" to be found from ${folder}: install it there.`, { cause });
  }
}

function locate(name: string, folder: string): string {
  if (CONFIG_FILE.test(name)) return resolve(folder, name);
  const known = builtInConfigs();
  if (known.includes(name)) return resolve(inPackage('configs'), `${name}.json`);
  const variant = locateVariant(name, folder);
  if (variant !== undefined) return variant;
  throw userError(
    `There is no configuration "${name}": the nearest is "${closest(name, known)}", a file's name ends in .json or .yaml, and no package of that name is installed here.`,
  );
}

/** The configuration of an installed package: the file that `ahpa.config` in its manifest names. */
function locateVariant(name: string, folder: string): string | undefined {
  const require = createRequire(join(folder, 'any.js'));
  const manifest = require.resolve
    .paths(name)
    ?.map((root) => join(root, name, 'package.json'))
    .find(existsSync);
  if (manifest === undefined) return undefined;
  const { ahpa } = readConfigFile(manifest);
  if (isObject(ahpa) && typeof ahpa['config'] === 'string') return resolve(dirname(manifest), ahpa['config']);
  throw userError(`${manifest} is of no variant: it has no "ahpa": { "config": "FILE" }.`);
}
