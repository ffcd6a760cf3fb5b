/** Safetensors files in shards, listed by an index. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { quote, type TensorEntry } from './dtype.ts';
import { parseHeaderJson } from './header-json.ts';
import { readSafetensors } from './safetensors.ts';

/** A plain file name beside the index: no folder, no drive, no parent. */
const FILE_NAME = /^[^/\\:\0]+\.safetensors$/;

/**
 * File name by tensor name.
 * @throws Error where the index is not valid
 */
export function parseIndex(text: string, source: string): ReadonlyMap<string, string> {
  const map = parseHeaderJson(text, source).get('weight_map');
  if (!(map instanceof Map))
    throw new Error(`${source}: weight_map is missing or no object, wanted file names by tensor.`);
  for (const [name, file] of map) {
    if (typeof file !== 'string' || !FILE_NAME.test(file))
      throw new Error(
        `${source}: tensor ${quote(name)} lies in ${quote(String(file))}, wanted the name of a .safetensors file beside the index.`,
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

/**
 * Reads the shards that the index file `path` lists; tensors for which `keep` is false are checked but not read.
 * @throws Error that names a tensor that is missing, unexpected or stored twice
 */
export async function readShardedSafetensors(
  path: string,
  keep: (name: string) => boolean = () => true,
): Promise<Record<string, TensorEntry>> {
  const map = parseIndex(await readFile(path, 'utf8'), path);
  const all: Record<string, TensorEntry> = Object.create(null);
  for (const file of new Set(map.values())) {
    const names: string[] = [];
    const { tensors } = await readSafetensors(join(dirname(path), file), (name) => {
      names.push(name);
      return keep(name);
    });
    checkShard(path, file, names, map);
    Object.assign(all, tensors);
  }
  return all;
}
