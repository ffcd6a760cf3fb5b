/** Weights in shards, listed by an index. */
import { dirname, join } from 'node:path';
import { quote, type TensorEntry } from './dtype.ts';
import { parseHeaderJson } from './header-json.ts';
import { readText } from './json.ts';
import { readSafetensors } from './safetensors.ts';

/** A plain file name beside the index: no folder, no drive, no parent. */
const FILE_NAME = /^[^/\\:\0]+\.(?:safetensors|bin|pth?)$/;

/**
 * File name by tensor name.
 * @throws Error where the index is not valid
 */
export function parseIndex(text: string, source: string): ReadonlyMap<string, string> {
  const map = parseHeaderJson(text, source, 'any').get('weight_map');
  if (!(map instanceof Map))
    throw new Error(`${source}: weight_map is missing or no object, wanted file names by tensor.`);
  for (const [name, file] of map) {
    if (typeof file !== 'string' || !FILE_NAME.test(file))
      throw new Error(
        `${source}: tensor ${quote(name)} lies in ${quote(String(file))}, wanted the name of a .safetensors or .bin file beside the index.`,
      );
  }
  return map as ReadonlyMap<string, string>;
}

function checkShard(
  source: string,
  file: string,
  names: readonly string[],
  map: ReadonlyMap<string, string>,
): void {
  const misplaced = names.filter((name) => map.get(name) !== file).map(quote);
  if (misplaced.length > 0) {
    throw new Error(
      `${source}: ${file} also holds ${misplaced.slice(0, 12).join(', ')}, which the index places elsewhere or not at all.`,
    );
  }
  const missing = [...map].filter(([name, place]) => place === file && !names.includes(name));
  if (missing.length > 0) {
    const list = missing.slice(0, 12).map(([name]) => quote(name));
    throw new Error(`${source}: ${file} lacks ${list.join(', ')}, which the index places there.`);
  }
}

type Keep = (name: string) => boolean;

/** Reads the tensors of one shard for which `keep` is true; `keep` is asked about every tensor. */
export type ReadShard = (path: string, keep: Keep) => Promise<Record<string, TensorEntry>>;

/**
 * Reads the shards that the index file `path` lists; tensors for which `keep` is false are checked but not read.
 * @throws Error that names a tensor that is missing, unexpected or stored twice
 */
export async function readShards(
  path: string,
  keep: Keep,
  readShard: ReadShard,
): Promise<Record<string, TensorEntry>> {
  const map = parseIndex(await readText(path), path);
  const all: Record<string, TensorEntry> = Object.create(null);
  for (const file of new Set(map.values())) {
    const names: string[] = [];
    const tensors = await readShard(join(dirname(path), file), (name) => {
      names.push(name);
      return keep(name);
    });
    checkShard(path, file, names, map);
    Object.assign(all, tensors);
  }
  return all;
}

/**
 * Reads the safetensors shards that the index file `path` lists; tensors for which `keep` is false are checked but not read.
 * @throws Error that names a tensor that is missing, unexpected or stored twice
 */
export function readShardedSafetensors(
  path: string,
  keep: Keep = () => true,
): Promise<Record<string, TensorEntry>> {
  return readShards(path, keep, async (file, wanted) => (await readSafetensors(file, wanted)).tensors);
}
