/** One checkpoint: a safetensors file, written atomically and verified by hashes on reading. */
import { join } from 'node:path';
import {
  assertFinite,
  encodeSafetensors,
  readSafetensors,
  type Safetensors,
  type TensorEntry,
} from '@ahpa/weight-files';
import { digestTensor, digestTexts, digestWhole } from './digest.ts';
import { writeDurably } from './durable.ts';

/** Version of the metadata this package writes; 1 had one hash for all tensors in place of `hashes`. */
const SCHEMA = '2';

/** Tensors by name, as in a safetensors file. */
export type Tensors = Readonly<Record<string, TensorEntry>>;

/** Content of a checkpoint file. */
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

const REMEDY = 'resume from an earlier checkpoint, or pass checkFinite: false to keep it for inspection.';

/** File name of a step: seven digits or more. */
const fileName = (step: number): string => `${String(step).padStart(7, '0')}.safetensors`;

/**
 * Writes `NNNNNNN.safetensors` into `folder` (made if missing) and resolves to its path once it is safe on disk: temporary file in the
 * same folder, fsync, rename, fsync of the folder. `meta` is stored as JSON, such as the config and a version of the state's layout.
 * @throws RangeError where `step` is not a non-negative integer; Error where a tensor is not finite or the disk fails
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
  if (checkFinite) assertFinite(tensors, 'saveCheckpoint', REMEDY);
  const names = Object.keys(tensors).sort();
  const hashes = names.map((name) => [name, digestTensor(tensors[name] as TensorEntry)]);
  const head = {
    schema: SCHEMA,
    step: String(step),
    meta: JSON.stringify(meta),
    hashes: JSON.stringify(Object.fromEntries(hashes)),
  };
  const path = join(folder, fileName(step));
  await writeDurably(path, encodeSafetensors(tensors, { ...head, sha256: digestTexts(Object.values(head)) }));
  return path;
}

/**
 * Reads and verifies one file, or those of its tensors for which `keep` is true.
 * @throws Error where the file is truncated, damaged, not a checkpoint or of an unknown schema
 */
export async function loadCheckpoint(
  path: string,
  keep: (name: string) => boolean = () => true,
): Promise<Checkpoint> {
  const all = await readSafetensors(path, keep);
  const { schema, step, meta, sha256 } = all.metadata;
  if (schema === undefined || step === undefined || meta === undefined || sha256 === undefined) {
    throw new Error(
      `${path}: the metadata has keys ${JSON.stringify(Object.keys(all.metadata))}, wanted schema, step, meta and sha256; it is damaged or not a checkpoint.`,
    );
  }
  if (schema === '1') await verifyWhole(path);
  else if (schema === SCHEMA) verifyParts(path, all, keep);
  else {
    throw new Error(
      `${path}: got checkpoint schema ${JSON.stringify(schema)}, wanted "1" or "${SCHEMA}"; use the version of this package that wrote it.`,
    );
  }
  return {
    path,
    step: Number(step),
    tensors: all.tensors,
    meta: JSON.parse(meta) as Record<string, unknown>,
  };
}

const damaged = (path: string, what: string): Error =>
  new Error(`${path}: the SHA-256 of ${what} differs from the recorded one; the file is damaged.`);

async function verifyWhole(path: string): Promise<void> {
  const { metadata, tensors } = await readSafetensors(path);
  const { schema, step, meta, sha256 } = metadata as Record<string, string>;
  if (digestWhole([schema, step, meta] as string[], tensors) !== sha256) throw damaged(path, 'the content');
}

function verifyParts(path: string, all: Safetensors, keep: (name: string) => boolean): void {
  const { schema, step, meta, hashes, sha256 } = all.metadata as Record<string, string>;
  if (digestTexts([schema, step, meta, hashes ?? ''] as string[]) !== sha256)
    throw damaged(path, 'the metadata');
  const recorded = JSON.parse(hashes as string) as Record<string, string>;
  const names = Object.keys(recorded).filter(keep);
  const missing = names.find((name) => all.tensors[name] === undefined);
  if (missing !== undefined || names.length !== Object.keys(all.tensors).length) {
    throw new Error(`${path}: it does not hold the tensors that it lists; the file is damaged.`);
  }
  const bad = names.find((name) => digestTensor(all.tensors[name] as TensorEntry) !== recorded[name]);
  if (bad !== undefined) throw damaged(path, `tensor "${bad}"`);
}
