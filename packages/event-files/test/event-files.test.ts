import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PbfReader } from 'pbf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { computeHistogram, createEventFile, encodeRecord, maskedCrc } from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'events-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The records of a file, each checked by its sums. */
function records(file: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(maskedCrc(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(maskedCrc(data));
    found.push(data);
    at += length + 16;
  }
  return found;
}

/** The top fields of a message by number. */
const fields = (bytes: Uint8Array): Record<number, unknown> =>
  new PbfReader(bytes).readFields<Record<number, unknown>>((tag, all, pbf) => {
    if (tag === 1) all[tag] = pbf.readDouble();
    else if (tag === 2) all[tag] = pbf.readVarint();
    else all[tag] = Buffer.from(pbf.readBytes());
  }, {});

test('sums are TensorFlow\'s: CRC-32C of "123456789" is e3069283', () => {
  const crc = 0xe306_9283;
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
  expect(maskedCrc(Buffer.from('123456789'))).toBe(masked);
  expect(encodeRecord(new Uint8Array(5))).toHaveLength(21);
});

test('a file holds its version, the start of the session, and the values of steps in order', async () => {
  const events = await createEventFile(join(folder, 'deep'), 40);
  const png = Uint8Array.of(1, 2, 3);
  await Promise.all([
    events.write(41, [{ tag: 'loss', scalar: 0.5 }]),
    events.write(42, [{ tag: 'grid', image: { width: 2, height: 3, png } }]),
  ]);
  const all = records(await readFile(events.path)).map(fields);
  expect(events.path).toMatch(/events\.out\.tfevents\.\d+\./);
  expect(String(all[0]?.[3])).toBe('brain.Event:2');
  expect([all[1]?.[2], all[1]?.[7]]).toEqual([40, Buffer.of(8, 1)]);
  expect(all.slice(2).map((event) => event[2])).toEqual([41, 42]);
  const [third, fourth] = all.slice(2).map((event) => event[5] as Buffer) as [Buffer, Buffer];
  expect(third.toString('latin1')).toContain('loss');
  expect(fourth.includes(Buffer.from(png))).toBe(true);
});

describe('computeHistogram', () => {
  test('counts every finite value once', () => {
    const values = Array.from({ length: 300 }, (_, i) => i / 10 - 5);
    const histogram = computeHistogram([...values, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(histogram).toMatchObject({ min: -5, max: 24.9, count: 300 });
    expect(histogram?.counts.reduce((a, b) => a + b)).toBe(300);
    expect(histogram?.sum).toBeCloseTo(
      values.reduce((a, b) => a + b),
      9,
    );
    expect(histogram?.limits.at(-1)).toBeCloseTo(24.9, 9);
  });

  test('takes equal values, and none', () => {
    expect(computeHistogram([2, 2])?.counts[0]).toBe(2);
    expect(computeHistogram([Number.NaN])).toBe(undefined);
  });
});
