/** Reads records of a finished cache by row, without loading it. */
import { join } from 'node:path';
import { toFloat32 } from '@ahpa/weight-files';
import { readIndex, readPlan } from './files.ts';
import { checkRead } from './finite.ts';
import { type CacheIndex, type Field, recordBytes, shardFile } from './layout.ts';
import { type MappedFile, mapFile } from './mapped.ts';

/** Values of records: float16 comes as float32. */
export type Values = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** An open cache. */
export interface CacheReader {
  readonly folder: string;
  readonly index: CacheIndex;
  /** A copy of the records `rows` of a field, one after the other. @throws DamagedCacheError where one is not finite */
  gather(field: string, rows: ArrayLike<number>): Values;
  close(): void;
}

/** The float32 value of every float16 bit pattern. */
const WIDE: Float32Array = toFloat32({
  dtype: 'F16',
  shape: [65_536],
  data: new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer),
});

const ARRAYS = { F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const;

/**
 * Opens a finished cache; shard files are mapped when their first record is asked for.
 * @throws Error where the folder holds no finished cache
 */
export async function openCache(folder: string): Promise<CacheReader> {
  const index = await readIndex(folder);
  if (!index) {
    const begun = await readPlan(folder);
    throw new Error(
      `${folder} holds ${begun ? 'an unfinished cache: run the same ahpa extract again to finish it' : 'no cache'}.`,
    );
  }
  const mapped = new Map<string, MappedFile>();
  const mapShard = (field: Field, shard: number): Uint8Array => {
    const name = shardFile(field.name, shard);
    let file = mapped.get(name);
    if (!file) {
      file = mapFile(join(folder, name), (index.shards[shard]?.records ?? 0) * recordBytes(field));
      mapped.set(name, file);
    }
    return file.bytes;
  };
  return {
    folder,
    index,
    gather: (name, rows) => {
      const field = findField(index, name, folder);
      const bytes = gather(index, field, rows, mapShard);
      checkRead(field, rows, bytes, folder);
      return toValues(bytes, field);
    },
    close: () => {
      for (const file of mapped.values()) file.unmap();
      mapped.clear();
    },
  };
}

/**
 * The field of a name.
 * @throws Error where there is none
 */
export function findField({ fields }: CacheIndex, name: string, folder: string): Field {
  const field = fields.find((one) => one.name === name);
  if (field) return field;
  throw new Error(
    `${folder} has no ${name}, only ${fields.map((one) => one.name).join(', ')}: extract it again with what is wanted.`,
  );
}

function gather(
  { count, shardRecords }: CacheIndex,
  field: Field,
  rows: ArrayLike<number>,
  mapShard: (field: Field, shard: number) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const stride = recordBytes(field);
  const bytes = new Uint8Array(rows.length * stride);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (!(row >= 0 && row < count))
      throw new RangeError(`gather: row ${row}, wanted one of 0 to ${count - 1}.`);
    const begin = (row % shardRecords) * stride;
    bytes.set(mapShard(field, Math.floor(row / shardRecords)).subarray(begin, begin + stride), i * stride);
  }
  return bytes;
}

function toValues({ buffer }: Uint8Array<ArrayBuffer>, { dtype }: Field): Values {
  if (dtype !== 'F16') return new ARRAYS[dtype](buffer);
  const bits = new Uint16Array(buffer);
  const wide = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = WIDE[bits[i] as number] as number;
  return wide;
}
