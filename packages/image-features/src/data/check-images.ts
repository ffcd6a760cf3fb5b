/** The images of a data set that can be decoded, found before training begins and remembered. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Dropped } from '@ahpa/latent-cache';
import { type Reporter, rateFormat, silent } from '@ahpa/messages';
import { assertFewBad, badImages } from '../bad-images.ts';
import type { ImageDataset } from '../image-dataset.ts';

/** Images that are tried together. */
const TOGETHER = 64;

/** The most bad images that are named one by one. */
const NAMED = 20;

/** Where checks are remembered, and the reporter. */
export interface CheckContext {
  /** Folder in which data sets that were checked are remembered; none are where it is absent. */
  readonly cacheDir?: string;
  readonly reporter?: Reporter;
}

/** File of a check, named by the place, names and labels of the images. */
function memoryFile({ path, sha256 }: ImageDataset, cacheDir: string): string {
  const hash = createHash('sha256').update(JSON.stringify([resolve(path), sha256]));
  return join(cacheDir, `checked-${hash.digest('hex').slice(0, 16)}.json`);
}

/** Rows that an earlier check found bad; undefined where there was none. */
async function remembered(file: string | undefined): Promise<readonly number[] | undefined> {
  if (file === undefined) return undefined;
  const rows = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined);
  return Array.isArray(rows) ? rows : undefined;
}

async function remember(file: string, bad: readonly Dropped[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(bad.map(({ row }) => row))}\n`);
  await rename(temporary, file);
}

/** Tries the items `rows`; resolves to the bad ones. */
async function findBad(
  images: ImageDataset,
  rows: readonly number[],
  check: (row: number) => Promise<unknown>,
  reporter: Reporter,
): Promise<Dropped[]> {
  const bad: Dropped[] = [];
  const bar = reporter.progress('checking images', rows.length, rateFormat('img'));
  try {
    for (let start = 0; start < rows.length; start += TOGETHER) {
      const part = rows.slice(start, start + TOGETHER);
      bad.push(...badImages(await Promise.allSettled(part.map(check)), part, images));
      assertFewBad(bad, images, start + part.length, {});
      bar.update(start + part.length, undefined);
    }
    return bad;
  } finally {
    bar.stop();
  }
}

/**
 * Rows of the images that are good by `check`, by default those that can be decoded; the others are named in warnings. Each is tried
 * once: later calls for the same images try those again that were bad.
 * @throws an error the user can fix where too many are bad, or one cannot be read
 */
export async function goodRows(
  images: ImageDataset,
  { cacheDir, reporter = silent }: CheckContext,
  check: (row: number) => Promise<unknown> = images.image,
): Promise<Uint32Array> {
  const all = images.names.map((_, row) => row);
  const file = cacheDir === undefined ? undefined : memoryFile(images, cacheDir);
  const bad = await findBad(images, (await remembered(file)) ?? all, check, reporter);
  if (file !== undefined) await remember(file, bad);
  for (const { name, reason } of bad.slice(0, NAMED)) reporter.warn(`Left out ${name}: ${reason}.`);
  if (bad.length > NAMED) reporter.warn(`Left out ${bad.length - NAMED} more.`);
  const left = new Set(bad.map(({ row }) => row));
  return Uint32Array.from(all.filter((row) => !left.has(row)));
}
