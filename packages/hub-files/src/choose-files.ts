/** Choice of the files of a repository that a model or a VAE needs. */
import { WEIGHTS_IN_FOLDER } from '@ahpa/weight-files';

/** Folder of the VAE in an exported model. */
const INNER = 'vae';

/**
 * Files to read at `path`, a file or a folder of the repository: weights under their preferred name with their shards, the
 * configuration beside them, and those of a VAE inside; empty where no weights have a known name.
 */
export function chooseFiles(files: readonly string[], path: string): readonly string[] {
  const has = (name: string): string[] => (files.includes(name) ? [name] : []);
  if (files.includes(path)) return [path, ...has(join(parentFolder(path), 'config.json'))];
  const weights = WEIGHTS_IN_FOLDER.map((name) => join(path, name)).find((name) => files.includes(name));
  if (weights === undefined) return [];
  const inner = path.endsWith(INNER) ? [] : chooseFiles(files, join(path, INNER));
  return [...listShards(files, weights), ...has(join(path, 'config.json')), ...inner];
}

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

const parentFolder = (path: string): string => path.split('/').slice(0, -1).join('/');

/** Weights in one file, or the index and the shards beside it. */
function listShards(files: readonly string[], weights: string): readonly string[] {
  const base = weights.match(/^(.*)\.safetensors\.index\.json$/)?.[1];
  if (base === undefined) return [weights];
  return [weights, ...files.filter((name) => name.startsWith(`${base}-`) && name.endsWith('.safetensors'))];
}
