/** One checkpoint: a safetensors file that appears whole or not at all and proves on reading that it is undamaged. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import { digest } from './digest.ts';
import { firstNonFinite } from './finite.ts';

/** Version of the metadata this package writes. */
const SCHEMA = '1';

/** Tensors by name, as in a safetensors file. */
export type Tensors = Readonly<Record<string, TensorEntry>>;

/** What a checkpoint file holds. */
export interface Checkpoint {
  readonly path: string;
  readonly step: number;
  readonly tensors: Tensors;
  /** The JSON object given at saving. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Options of saving. */
export interface SaveOptions {
  /** Refuse tensors with NaN or infinity (default true). */
  readonly checkFinite?: boolean;
}

/** File name of a step: seven digits or more. */
export const fileName = (step: number): string => `${String(step).padStart(7, '0')}.safetensors`;

function assertFinite(tensors: Tensors): void {
  for (const [name, entry] of Object.entries(tensors)) {
    const index = firstNonFinite(entry);
    if (index >= 0) {
      throw new Error(
        `saveCheckpoint: tensor "${name}" is not finite at flat index ${index}; resume from an earlier checkpoint, or pass checkFinite: false to keep it for inspection.`,
      );
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/**
 * Writes `NNNNNNN.safetensors` into `folder` (made if missing) and resolves to its path once it is safe on disk: temporary file in the
 * same folder, fsync, rename, fsync of the folder. `meta` is kept as JSON: put the config and a version of your own state's form there.
 */
export async function saveCheckpoint(
  folder: string,
  step: number,
  tensors: Tensors,
  meta: Readonly<Record<string, unknown>>,
  { checkFinite = true }: SaveOptions = {},
): Promise<string> {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new RangeError(`saveCheckpoint: got step ${step}, wanted a non-negative integer.`);
  }
  if (checkFinite) assertFinite(tensors);
  const head = { schema: SCHEMA, step: String(step), meta: JSON.stringify(meta) };
  const sha256 = digest(Object.values(head), tensors);
  await mkdir(folder, { recursive: true });
  const path = join(folder, fileName(step));
  await writeSafetensors(path, tensors, { ...head, sha256 });
  await syncFolder(folder);
  return path;
}

/** Reads and verifies one file. Rejects when it is truncated, damaged or not a checkpoint. */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const { metadata, tensors } = await readSafetensors(path);
  const { schema, step, meta, sha256 } = metadata;
  if (schema === undefined || step === undefined || meta === undefined || sha256 === undefined) {
    throw new Error(
      `${path}: the metadata has keys ${JSON.stringify(Object.keys(metadata))}, wanted schema, step, meta and sha256; it is damaged or not a checkpoint.`,
    );
  }
  if (schema !== SCHEMA) {
    throw new Error(
      `${path}: got checkpoint schema ${JSON.stringify(schema)}, wanted "${SCHEMA}"; use the version of this package that wrote it.`,
    );
  }
  if (digest([schema, step, meta], tensors) !== sha256) {
    throw new Error(
      `${path}: the SHA-256 of the content differs from the recorded one; the file is damaged.`,
    );
  }
  return { path, step: Number(step), tensors, meta: JSON.parse(meta) as Record<string, unknown> };
}
