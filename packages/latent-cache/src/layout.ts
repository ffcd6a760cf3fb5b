/** Layout of a cache: the plan of a writer, and the index of a finished cache. */
import { z } from 'zod';

/** Layout of the files; another number cannot be read. */
const VERSION = 1;

/** Names of the files beside the shards. */
export const FILES = { plan: 'plan.json', progress: 'progress.jsonl', index: 'index.json' } as const;

/** Number types of records. */
export const DTYPE_BYTES = { F32: 4, F16: 2, I32: 4, U8: 1 } as const;

const field = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  dtype: z.enum(['F32', 'F16', 'I32', 'U8']),
  shape: z.array(z.int().positive()),
});

const dropped = z.strictObject({ row: z.int().min(0), name: z.string(), reason: z.string() });

const plan = {
  kind: z.literal('ahpa-latent-cache'),
  version: z.literal(VERSION),
  items: z.int().min(0),
  fields: z.array(field).min(1),
  shardRecords: z.int().positive(),
  classes: z.array(z.string()),
  recipe: z.record(z.string(), z.unknown()),
  attachments: z.record(z.string().regex(/^[a-z][a-z0-9.-]*$/), z.string()),
};

const shard = z.strictObject({ records: z.int().positive(), sha256: z.record(z.string(), z.string()) });

/** Checks the two JSON files and the lines of the progress file. */
export const SCHEMAS: {
  readonly plan: z.ZodType<CachePlan>;
  readonly index: z.ZodType<CacheIndex>;
  readonly progress: z.ZodType<Progress>;
} = {
  plan: z.strictObject(plan),
  index: z.strictObject({
    ...plan,
    count: z.int().min(0),
    shards: z.array(shard),
    dropped: z.array(dropped),
  }),
  progress: z.strictObject({
    position: z.int().min(0),
    records: z.int().min(0),
    dropped: z.array(dropped),
    shards: z.array(shard),
  }),
};

/** One value or array a record: its name, number type and shape. */
export interface Field {
  readonly name: string;
  readonly dtype: keyof typeof DTYPE_BYTES;
  readonly shape: readonly number[];
}

/** An image that is not in the cache, and why. */
export interface Dropped {
  /** Its place in the source. */
  readonly row: number;
  readonly name: string;
  readonly reason: string;
}

/** Plan of a cache. */
export interface CachePlan {
  readonly kind: 'ahpa-latent-cache';
  readonly version: typeof VERSION;
  /** Images of the source; each becomes a record or is dropped. */
  readonly items: number;
  readonly fields: readonly Field[];
  /** Records of a full shard. */
  readonly shardRecords: number;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  /** Settings that records depend on, as JSON; compared by readers. */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** SHA-256 of further files by name. */
  readonly attachments: Readonly<Record<string, string>>;
}

/** Records of one shard and the SHA-256 of its file for each field. */
export interface Shard {
  readonly records: number;
  readonly sha256: Readonly<Record<string, string>>;
}

/** A finished cache. */
export interface CacheIndex extends CachePlan {
  readonly count: number;
  readonly shards: readonly Shard[];
  readonly dropped: readonly Dropped[];
}

/** Synced progress; every line adds its dropped images and shards to those before. */
export interface Progress {
  /** Images of the source that are done. */
  readonly position: number;
  readonly records: number;
  readonly dropped: readonly Dropped[];
  readonly shards: readonly Shard[];
}

/** Bytes of one record of a field. */
export const recordBytes = ({ dtype, shape }: Field): number =>
  shape.reduce((product, length) => product * length, DTYPE_BYTES[dtype]);

/** Bytes of all records, should none be dropped. */
export const plannedBytes = ({ fields, items }: Pick<CachePlan, 'fields' | 'items'>): number =>
  items * fields.reduce((sum, field) => sum + recordBytes(field), 0);

/** The file of a shard of a field. */
export const shardFile = (field: string, shard: number): string =>
  `${field}-${String(shard).padStart(5, '0')}.bin`;
