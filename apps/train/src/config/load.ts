/** Finds, lays over one another and checks the configurations that a command line names. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { userError } from '../errors.ts';
import { inPackage } from '../package-folder.ts';
import { isObject, type JsonObject, layerOf, mergeLayers } from './layers.ts';
import { parseTrainConfig } from './parse.ts';
import type { TrainConfig } from './types.ts';

/** What a command line says of the configuration. */
export interface ConfigRequest {
  /** Built-in names (`demo`) or paths that end in `.json`; later ones win. */
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
  const layered = [...layers.values(), layerOf(set)].reduce((lower, upper) => mergeLayers(lower, upper), {});
  return parseTrainConfig(layered);
}

function addFile(path: string, layers: Map<string, JsonObject>, within: readonly string[]): void {
  if (layers.has(path)) return;
  if (within.includes(path)) throw userError(`${path} extends itself: ${[...within, path].join(' -> ')}.`);
  const { extends: parent, $schema: _, ...layer } = readObject(path);
  if (parent !== undefined) addFile(locate(String(parent), dirname(path)), layers, [...within, path]);
  layers.set(path, layer);
}

function locate(name: string, folder: string): string {
  if (name.endsWith('.json')) return resolve(folder, name);
  const known = builtInConfigs();
  if (known.includes(name)) return resolve(inPackage('configs'), `${name}.json`);
  throw userError(
    `There is no configuration "${name}": the nearest is "${closest(name, known)}", and a file's name ends in .json.`,
  );
}

function readObject(path: string): JsonObject {
  const text = readFileSync(path, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw userError(`${path} is not JSON (${(cause as Error).message}).`, { cause });
  }
  throw userError(`${path} holds no JSON object.`);
}
