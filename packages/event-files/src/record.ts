/** TFRecord framing: length, masked CRC-32C of the length, data, masked CRC-32C of the data. */
import crc32c from 'crc-32/crc32c.js';

/** TensorFlow's mask, which keeps a sum over sums from being weak (tsl/lib/hash/crc32c.h). */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}

/** One record as the bytes of a file. */
export function encodeRecord(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}
