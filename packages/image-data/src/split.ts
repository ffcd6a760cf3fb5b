/** Splits of a data set that depend on names alone. */
import { createHash } from 'node:crypto';

/** Rows to train on and rows to hold out, both ascending. */
export interface Split {
  readonly train: Uint32Array<ArrayBuffer>;
  readonly heldOut: Uint32Array<ArrayBuffer>;
}

/** Pseudo-random number in [0, 1) of a text: the first 32 bits of its SHA-256. */
export const hashFraction = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;

/** Split of rows by the hashes of their names, about the share `holdOut` held out: a name is on the same side in every data set. */
export function splitByName(names: readonly string[], holdOut: number): Split {
  const held = names.map((name) => hashFraction(`split/${name}`) < holdOut);
  const rows = (side: boolean): Uint32Array<ArrayBuffer> =>
    Uint32Array.from(held.flatMap((one, row) => (one === side ? [row] : [])));
  return { train: rows(false), heldOut: rows(true) };
}
