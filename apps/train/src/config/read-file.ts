/** Configuration files, JSON or YAML, as plain objects. */
import { readFileSync } from 'node:fs';
import { userError } from '@ahpa/messages';
import { parseDocument } from 'yaml';
import { isObject, type JsonObject } from './layers.ts';

/** Extensions of configuration files. */
export const CONFIG_FILE: RegExp = /\.(json|ya?ml)$/;

/** Most aliases of a YAML file; each can multiply the size of the value. */
const MOST_ALIASES = 50;

/**
 * The object in a file; YAML 1.2 with the values of JSON, no tags of other types.
 * @throws where the text cannot be parsed or is no object.
 */
export function readConfigFile(path: string): JsonObject {
  const text = readFileSync(path, 'utf8');
  const form = path.endsWith('.json') ? 'JSON' : 'YAML';
  try {
    const value = form === 'JSON' ? JSON.parse(text) : readYaml(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw userError(`${path} is not ${form} (${(cause as Error).message.split('\n', 1)[0]}).`, { cause });
  }
  throw userError(`${path} holds no ${form} object.`);
}

function readYaml(text: string): unknown {
  const document = parseDocument(text, { schema: 'core', merge: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw problem;
  return document.toJS({ maxAliasCount: MOST_ALIASES });
}
