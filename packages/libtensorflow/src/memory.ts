/** Copies between JavaScript and native memory. (A koffi view of native memory costs some 300 bytes that are never freed.) */
import koffi from 'koffi';

const libc = koffi.load(process.platform === 'win32' ? 'msvcrt.dll' : null);
const copyTo = libc.func('memcpy', 'void', ['uintptr_t', 'void *', 'size_t']);
const copyFrom = libc.func('memcpy', 'void', ['void *', 'uintptr_t', 'size_t']);

/** Copies `bytes` to native memory at `address`. */
export function writeBytes(address: number | bigint, bytes: Uint8Array): void {
  if (bytes.byteLength > 0) copyTo(address, bytes, bytes.byteLength);
}

/** Fills `bytes` from native memory at `address`. */
export function fillBytes(bytes: Uint8Array, address: number | bigint): void {
  if (bytes.byteLength > 0) copyFrom(bytes, address, bytes.byteLength);
}

/** A copy of `length` bytes of native memory at `address`. */
export function readBytes(address: number | bigint, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  fillBytes(bytes, address);
  return bytes;
}
