/** Requests for generated images: everything that their bytes depend on, kept beside them as JSON. */
import { existsSync, readdirSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import type { SampleConfig } from '@ahpa/dit-core';
import { userError } from '@ahpa/messages';

/** Two requests that are equal give the same bytes, in one process or in many. */
export interface GenerateRequest {
  readonly images: number;
  /** Side of an image in pixels. */
  readonly size: number;
  readonly seed: number;
  /** Classes drawn at random, or each in turn. */
  readonly labels: 'random' | 'balanced';
  /** Indices of the classes that are drawn. */
  readonly classes: readonly number[];
  readonly sample: SampleConfig;
  /** SHA-256 of the denoiser's weights. */
  readonly model: string;
  /** SHA-256 of the weaker model's weights, where one guides. */
  readonly weak?: string;
  /** SHA-256 of the weights of the VAE that decodes. */
  readonly vae: string;
  /** Images computed together: another number rounds otherwise, by at most one step of 255. */
  readonly batch: number;
  readonly backend: string;
}

/** Content of the JSON file: the request, and the source of the weights. */
export interface GenerateRecord {
  readonly request: GenerateRequest;
  readonly from: {
    readonly source: string;
    readonly step: number | null;
    readonly average: string;
    readonly vae: string;
  };
}

/** Paths that belong to an output: an `.npz` file or a folder of PNGs. */
export interface OutputPaths {
  readonly out: string;
  /** The request; stays. */
  readonly record: string;
  /** Marks of the batches that are drawn; deleted when the output is complete. */
  readonly progress: string;
}

/** The paths of the output `out`. */
export function outputPaths(out: string): OutputPaths {
  const base = out.replace(/\/+$/, '');
  return { out: base, record: `${base}.json`, progress: `${base}.progress` };
}

/** Claims an output for a request, or resumes it. @throws where it belongs to another request, or to an unknown one. */
export async function claimOutput(paths: OutputPaths, record: GenerateRecord): Promise<void> {
  const { out, record: file } = paths;
  const known = (await readRecord(file)) ?? (await createRecord(paths, record));
  const [difference] = differences(known?.request, record.request);
  if (difference === undefined) return;
  throw userError(
    `${out} holds other images (${difference}): choose another --out, or delete ${out} and ${file}.`,
  );
}

/** Writes the record where there is none; resolves to the one of a process that was faster. */
async function createRecord(paths: OutputPaths, record: GenerateRecord): Promise<GenerateRecord | undefined> {
  const left = leftOver(paths);
  if (left !== undefined) {
    throw userError(
      `${left} is there already, and no ${paths.record} says what it is: delete it or choose another --out.`,
    );
  }
  const temporary = `${paths.record}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  try {
    await link(temporary, paths.record);
    return record;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readRecord(paths.record);
  } finally {
    await rm(temporary);
  }
}

/** A record is written before all else, so anything without one is not ours. */
function leftOver({ out, record, progress }: OutputPaths): string | undefined {
  const found = [progress, `${out}.partial`, out].find((path) => existsSync(path));
  const emptyFolder = found === out && !out.endsWith('.npz') && readdirSync(out).length === 0;
  return emptyFolder || existsSync(record) ? undefined : found;
}

async function readRecord(file: string): Promise<GenerateRecord | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(await readFile(file, 'utf8')) as GenerateRecord;
  } catch (cause) {
    throw userError(`${file} cannot be read (${(cause as Error).message}): delete it.`, { cause });
  }
}

/** `name old, and not new` for each entry that differs; entries may be nested. */
function differences(old: unknown, now: unknown, path = ''): string[] {
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isRecord(old) && isRecord(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    return keys.flatMap((key) => differences(old[key], now[key], path === '' ? key : `${path}.${key}`));
  }
  const [before, after] = [old, now].map((value) => JSON.stringify(value) ?? 'nothing');
  return before === after ? [] : [`${path || 'the request'} ${before}, and not ${after}`];
}
