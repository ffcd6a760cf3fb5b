/** Drawn images on disk: one raw uint8 file and one JSON index, each written whole or not at all. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeDurably } from '@ahpa/checkpoint';
import { z } from 'zod';

/** Version of the layout of the two files; images of another version are drawn again. */
export const CACHE_VERSION = 1;

const indexSchema = z.object({
  version: z.literal(CACHE_VERSION),
  set: z.string(),
  packageVersion: z.string(),
  size: z.int().positive(),
  count: z.int().nonnegative(),
  names: z.array(z.string()),
  codes: z.array(z.string()),
  labels: z.array(z.int().nonnegative()),
  classes: z.array(z.string()),
  sha256: z.string(),
});

/** Index file of images `[count, size, size, 3]` uint8: one name, code and label per image. */
export interface ImageIndex {
  readonly version: typeof CACHE_VERSION;
  readonly set: string;
  readonly packageVersion: string;
  readonly size: number;
  readonly count: number;
  readonly names: readonly string[];
  readonly codes: readonly string[];
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  /** Of the raw image file. */
  readonly sha256: string;
}

/** Images and their index. */
export interface CachedImages {
  readonly index: ImageIndex;
  readonly images: Uint8Array<ArrayBuffer>;
}

/** Lower-case hexadecimal SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Images of `<stem>.json` and `<stem>.u8`; `undefined` where there are none, or one sentence with the reason where they are
 * unusable.
 */
export async function readImageCache(
  stem: string,
  packageVersion: string,
): Promise<CachedImages | string | undefined> {
  if (!existsSync(`${stem}.json`)) return undefined;
  const index = parseIndex(await readFile(`${stem}.json`, 'utf8'));
  if (!index) return `${stem}.json is not an index of this version`;
  if (index.packageVersion !== packageVersion) {
    return `${stem}.u8 was drawn from version ${index.packageVersion}, and ${packageVersion} is installed`;
  }
  if (!existsSync(`${stem}.u8`)) return `${stem}.u8 is missing`;
  const bytes = await readFile(`${stem}.u8`);
  if (sha256(bytes) !== index.sha256) return `${stem}.u8 is corrupt (its SHA-256 differs from the index)`;
  return { index, images: new Uint8Array(bytes) };
}

/** Writes `<stem>.u8`, then `<stem>.json`, each through a temporary file and a rename. */
export async function writeImageCache(stem: string, { index, images }: CachedImages): Promise<void> {
  await writeDurably(`${stem}.u8`, [images]);
  await writeDurably(`${stem}.json`, [Buffer.from(`${JSON.stringify(index)}\n`)]);
}

function parseIndex(text: string): ImageIndex | undefined {
  try {
    return indexSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
