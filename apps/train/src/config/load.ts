/** Finds, lays over one another and checks the configurations that a command line names. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { userError } from '@ahpa/messages';
import { closest } from 'fastest-levenshtein';
import { inPackage } from '../package-folder.ts';
import { isObject, type JsonObject, layerOf, mergeLayers } from './layers.ts';
import { parseTrainConfig } from './parse.ts';
import { CONFIG_FILE, readConfigFile } from './read-file.ts';
import type { TrainConfig } from './types.ts';

/** What a command line says of the configuration. */
export interface ConfigRequest {
  /** Built-in names (`demo`), paths that end in `.json` or `.yaml`, or installed variant packages; later ones win. */
  readonly names: readonly string[];
  /** `a.b=value`; they win over files. */
  readonly set: readonly string[];
}

/** The built-in names. */
export function builtInConfigs(): string[] {
  const files = readdirSync(inPackage('configs')).filter((file) => file.endsWith('.json'));
  return files.filter((file) => !file.endsWith('.schema.json')).map((file) => file.slice(0, -'.json'.length));
}

/** A resolved configuration: defaults, then the files with what they extend (each once), then assignments. */
export function loadConfig({ names, set }: ConfigRequest): TrainConfig {
  const layers = new Map<string, JsonObject>();
  for (const name of ['base', ...names]) addFile(locate(name, process.cwd()), layers, []);
  const assigned = locateModule(layerOf(set), process.cwd());
  const layered = [...layers.values(), assigned].reduce((lower, upper) => mergeLayers(lower, upper), {});
  return parseTrainConfig(layered);
}

function addFile(path: string, layers: Map<string, JsonObject>, within: readonly string[]): void {
  if (layers.has(path)) return;
  if (within.includes(path)) throw userError(`${path} extends itself: ${[...within, path].join(' -> ')}.`);
  const { extends: parent, $schema: _, ...layer } = readConfigFile(path);
  if (parent !== undefined) addFile(locate(String(parent), dirname(path)), layers, [...within, path]);
  layers.set(path, locateModule(layer, dirname(path)));
}

/** A layer whose alignment's module is named by its absolute path, found from `folder`. */
function locateModule(layer: JsonObject, folder: string): JsonObject {
  const { alignment } = layer;
  if (!isObject(alignment) || typeof alignment['module'] !== 'string') return layer;
  const name = alignment['module'];
  const path = /^[./]/.test(name) ? resolve(folder, name) : resolvePackage(name, folder);
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
