/** Refusal of records that hold NaN or infinity, when they are written and when they are read. */
import { firstNonFinite } from '@ahpa/weight-files';
import { DamagedCacheError } from './damaged-cache-error.ts';
import { DTYPE_BYTES, type Field, recordBytes } from './layout.ts';

/** Place of the first of the records `data` of a field that holds NaN or infinity; -1 where all are finite. */
function firstNonFiniteRecord(field: Field, data: Uint8Array): number {
  const index = firstNonFinite({ dtype: field.dtype, data });
  return index < 0 ? -1 : Math.floor((index * DTYPE_BYTES[field.dtype]) / recordBytes(field));
}

/** Checks records of the images `rows` before they are written. @throws RangeError with the image where one is not finite */
export function checkWritten(
  fields: readonly Field[],
  rows: readonly number[],
  data: Readonly<Record<string, Uint8Array>>,
): void {
  for (const field of fields) {
    const record = firstNonFiniteRecord(field, data[field.name] ?? new Uint8Array());
    if (record >= 0)
      throw new RangeError(
        `append: ${field.name} of image ${rows[record]} is not finite, wanted finite numbers.`,
      );
  }
}

/** Checks the records `rows` that were read. @throws DamagedCacheError with the record where one is not finite */
export function checkRead(field: Field, rows: ArrayLike<number>, data: Uint8Array, folder: string): void {
  const record = firstNonFiniteRecord(field, data);
  if (record >= 0)
    throw new DamagedCacheError(
      `${folder}: ${field.name} of record ${rows[record]} is not finite, wanted finite numbers: remove the folder and make the cache again.`,
    );
}
