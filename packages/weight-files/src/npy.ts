/** NumPy arrays in .npy and .npz files, read by rows and without trusting them. */
import { byteLength, ELEMENT_BYTES, quote, type TensorEntry } from './dtype.ts';
import { type NpyHeader, readNpyHeader } from './npy-header.ts';
import { bytesSource, openSource, type Source } from './source.ts';
import { gather } from './strided.ts';
import { readDirectory } from './zip.ts';
import { entrySource } from './zip-entry.ts';

/** An array that is still in its file. */
export interface NpyArray extends Pick<TensorEntry, 'dtype' | 'shape'> {
  /**
   * The rows (indices of the first axis) from `start` on, row-major: `count` of them, or all that are left. In a deflated
   * .npz consecutive reads are cheap, and a read further back inflates from the start.
   */
  read(start?: number, count?: number): Promise<TensorEntry>;
}

/** An open .npy file. */
export interface NpyFile extends NpyArray {
  close(): Promise<void>;
}

/** An open .npz file. */
export interface NpzFile {
  /** Names of the arrays, without `.npy`. */
  readonly names: readonly string[];
  /** The array of a name; rejects an unknown name and an unsupported type. */
  array(name: string): Promise<NpyArray>;
  close(): Promise<void>;
}

/** All values of an array whose first axis varies fastest, in row-major order. */
async function readFortran(source: Source, { dtype, shape, begin }: NpyHeader): Promise<Uint8Array> {
  let stride = 1;
  const strides = shape.map((length) => {
    const own = stride;
    stride *= length;
    return own;
  });
  const bytes = await source.read(begin, source.size - begin);
  return gather(bytes, shape, strides, ELEMENT_BYTES.get(dtype) as number);
}

/**
 * The array of the .npy file that fills `source`.
 * @throws Error where the file is no .npy file
 */
export async function npyArray(source: Source): Promise<NpyArray> {
  const header = await readNpyHeader(source);
  const { dtype, shape, fortran, begin } = header;
  const [rows = 1, ...row] = shape;
  const rowBytes = byteLength(dtype, row) ?? 0;
  const read = async (start = 0, count = rows - start): Promise<TensorEntry> => {
    const whole = Number.isInteger(start) && Number.isInteger(count);
    if (!(whole && start >= 0 && count >= 0 && start + count <= rows))
      throw new Error(
        `${source.name}: rows ${start} to ${start + count} were asked for, wanted a range within its ${rows}.`,
      );
    const data = fortran
      ? (await readFortran(source, header)).slice(start * rowBytes, (start + count) * rowBytes)
      : await source.read(begin + start * rowBytes, count * rowBytes);
    return { dtype, shape: shape.length === 0 ? [] : [count, ...row], data };
  };
  return { dtype, shape, read };
}

/**
 * The array in the bytes of a .npy file; `name` names them in errors.
 * @throws Error where they are no .npy file
 */
export async function parseNpy(bytes: Uint8Array, name: string): Promise<TensorEntry> {
  return (await npyArray(bytesSource(bytes, name))).read();
}

/**
 * Opens a .npy file; the values stay on disk until rows are read.
 * @throws Error where the file cannot be opened or is no .npy file
 */
export async function openNpy(path: string): Promise<NpyFile> {
  const source = await openSource(path);
  try {
    return { ...(await npyArray(source)), close: source.close };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * The arrays of the .npz file that fills `source`.
 * @throws Error where the file is no .npz file
 */
export async function npzArrays(source: Source): Promise<Omit<NpzFile, 'close'>> {
  const entries = await readDirectory(source);
  const names = [...entries.keys()].filter((name) => name.endsWith('.npy')).map((name) => name.slice(0, -4));
  const array = async (name: string): Promise<NpyArray> => {
    const entry = entries.get(`${name}.npy`);
    if (entry) return npyArray(await entrySource(source, entry));
    throw new Error(
      `${source.name}: there is no array ${quote(name)}, wanted one of ${names.slice(0, 8).map(quote).join(', ')}.`,
    );
  };
  return { names, array };
}

/**
 * Opens a .npz file (stored or deflated, ZIP64 too); arrays stay on disk until rows are read.
 * @throws Error where the file cannot be opened or is no .npz file
 */
export async function openNpz(path: string): Promise<NpzFile> {
  const source = await openSource(path);
  try {
    return { ...(await npzArrays(source)), close: source.close };
  } catch (error) {
    await source.close();
    throw error;
  }
}
