/** JSON files as people have them. */
import { readFile } from 'node:fs/promises';

/** A file's text in UTF-8 without the byte-order mark that some editors put before it. */
export const readText = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');

/**
 * The content of a JSON file, with or without a byte-order mark.
 * @throws Error where the file cannot be read or is no JSON
 */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path}: the file is no JSON (${(cause as Error).message}).`, { cause });
  }
}
