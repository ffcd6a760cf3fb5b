import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromFloat32 } from '@ahpa/weight-files';
import { describe, expect, it } from 'vitest';
import {
  type CachePlan,
  type Chunk,
  cachePlan,
  DamagedCacheError,
  openCache,
  openWriter,
  plannedBytes,
  readAttachment,
  readIndex,
  readPlan,
  verifyCache,
} from '../src/index.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-cache-'));
const ITEMS = 23;
const BAD = [4, 9, 22];
const ATTACHED = { 'images.tsv': new TextEncoder().encode('0\ta.png\n') };

const PLAN: CachePlan = cachePlan(
  {
    items: ITEMS,
    fields: [
      { name: 'latent', dtype: 'F32', shape: [2, 3] },
      { name: 'tokens.fine', dtype: 'F16', shape: [4] },
      { name: 'label', dtype: 'I32', shape: [] },
      { name: 'pixels', dtype: 'U8', shape: [5] },
    ],
    shardRecords: 6,
    classes: ['a', 'b'],
    recipe: { vae: { sha256: 'one' }, groups: { fine: ['conv_in'] }, size: 64 },
  },
  ATTACHED,
);

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const values = (row: number, count: number): number[] => Array.from({ length: count }, (_, i) => row + i / 8);

/** The images `from` to `until`, without the bad ones. */
function chunk(from: number, until: number): Chunk {
  const all = Array.from({ length: until - from }, (_, i) => from + i);
  const rows = all.filter((row) => !BAD.includes(row));
  return {
    rows,
    until,
    dropped: all
      .filter((row) => BAD.includes(row))
      .map((row) => ({ row, name: `${row}.png`, reason: 'cut off' })),
    data: {
      latent: bytesOf(Float32Array.from(rows.flatMap((row) => values(row, 6)))),
      'tokens.fine': fromFloat32(
        Float32Array.from(rows.flatMap((row) => values(row, 4))),
        [rows.length, 4],
        'F16',
      ).data,
      label: bytesOf(Int32Array.from(rows)),
      pixels: Uint8Array.from(rows.flatMap((row) => Array<number>(5).fill(row))),
    },
  };
}

/** Appends what is missing, `step` images at a time, up to the image `end`. */
async function fill(folder: string, step: number, end = ITEMS): Promise<void> {
  const writer = await openWriter(folder, PLAN, ATTACHED);
  while (writer.position() < end)
    await writer.append(chunk(writer.position(), Math.min(writer.position() + step, end)));
  if (end === ITEMS) await writer.finish();
  else await writer.close();
}

const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'base64')]),
  );

describe('a cache', () => {
  const whole = join(home, 'whole');

  it('holds what was appended, but for what was dropped', async () => {
    expect(plannedBytes(PLAN)).toBe(ITEMS * (24 + 8 + 4 + 5));
    await fill(whole, 4);
    const cache = await openCache(whole);
    expect(cache.index).toMatchObject({ count: 20, dropped: BAD.map((row) => ({ row })) });
    expect(cache.index.shards.map(({ records }) => records)).toEqual([6, 6, 6, 2]);
    expect([...cache.gather('label', [0, 4, 19, 5])]).toEqual([0, 5, 21, 6]);
    expect([...cache.gather('latent', [7])]).toEqual(values(8, 6));
    expect([...cache.gather('tokens.fine', [19, 7])]).toEqual([...values(21, 4), ...values(8, 4)]);
    expect([...cache.gather('pixels', Uint32Array.of(18))]).toEqual([20, 20, 20, 20, 20]);
    expect(() => cache.gather('label', [20])).toThrow('row 20, wanted one of 0 to 19');
    expect(() => cache.gather('tokens.mid', [0])).toThrow(/has no tokens\.mid, only latent, tokens\.fine/);
    cache.close();
    expect(await readAttachment(whole, PLAN, 'images.tsv')).toEqual(Buffer.from(ATTACHED['images.tsv']));
    expect(await verifyCache(whole)).toEqual([]);
    expect(readdirSync(whole)).not.toContain('progress.jsonl');
  });

  it('is the same however it was cut into chunks and sessions', async () => {
    const wanted = contents(whole);
    for (const [name, steps] of [
      ['a', [1, 23]],
      ['b', [7, 12, 13, 23]],
      ['c', [5, 6, 10, 18, 23]],
    ] as const) {
      for (const end of steps) await fill(join(home, name), end === 23 ? 20 : 3, end);
      expect(contents(join(home, name))).toEqual(wanted);
    }
  });

  it('continues after a kill: nothing that the journal does not say counts', async () => {
    const [live, killed] = [join(home, 'live'), join(home, 'killed')];
    const writer = await openWriter(live, PLAN, ATTACHED);
    for (let from = 0; from < 21; from += 3) {
      await writer.append(chunk(from, from + 3));
      rmSync(killed, { recursive: true, force: true });
      cpSync(live, killed, { recursive: true });
      const shards = readdirSync(killed).filter((name) => name.endsWith('.bin'));
      const last = `-0000${Math.max(...shards.map((name) => Number(name.slice(-9, -4))))}.bin`;
      for (const name of shards.filter((file) => file.endsWith(last)))
        appendFileSync(join(killed, name), 'rest of a killed write');
      appendFileSync(join(killed, 'progress.jsonl'), '{"position":99,"rec');
      await fill(killed, 5);
      expect(contents(killed)).toEqual(contents(whole));
    }
    await writer.close();
    expect(await verifyCache(live)).toEqual([`${live} holds no finished cache`]);
    await expect(openCache(live)).rejects.toThrow(/live holds an unfinished cache/);
  });

  it.each([
    ['latent', 2, Float32Array.of(1, Number.NaN)],
    ['tokens.fine', 1, Uint16Array.of(0, 0xfc00)], // -Infinity
  ] as const)(
    'refuses a record of %s that is not finite, before any of its chunk is written',
    async (name, row, bad) => {
      const folder = join(home, `not-finite-${name}`);
      const writer = await openWriter(folder, PLAN, ATTACHED);
      await writer.append(chunk(0, 3));
      const before = contents(folder);
      const good = chunk(3, 8);
      const field = (good.data[name] as Uint8Array).slice();
      field.set(bytesOf(bad), row * (field.length / good.rows.length));
      const damaged = { ...good, data: { ...good.data, [name]: field } };
      const image = good.rows[row];
      await expect(writer.append(damaged)).rejects.toThrow(`append: ${name} of image ${image} is not finite`);
      expect(contents(folder)).toEqual(before);
      expect(writer.position()).toBe(3);
      await writer.append(good);
      await writer.close();
    },
  );

  it.each([
    ['latent', 24, bytesOf(Float32Array.of(Number.POSITIVE_INFINITY))],
    ['tokens.fine', 8, bytesOf(Uint16Array.of(0x7e00))], // NaN
  ] as const)('names the record of %s that is not finite when it is read', async (name, stride, bad) => {
    const folder = join(home, `read-${name}`);
    cpSync(whole, folder, { recursive: true });
    const path = join(folder, `${name}-00001.bin`); // records 6 to 11
    const bytes = readFileSync(path);
    bytes.set(bad, 2 * stride);
    writeFileSync(path, bytes);
    const cache = await openCache(folder);
    expect(cache.gather(name, [7, 9]).length).toBe(stride === 24 ? 12 : 8);
    expect(() => cache.gather(name, [7, 8])).toThrow(DamagedCacheError);
    expect(() => cache.gather(name, [7, 8])).toThrow(`${name} of record 8 is not finite`);
    cache.close();
  });

  it('is written for one plan, and once', async () => {
    const folder = join(home, 'single');
    const writer = await openWriter(folder, PLAN, ATTACHED);
    await expect(writer.finish()).rejects.toThrow('0 of 23 images were appended');
    await writer.close();
    const other = { ...PLAN, recipe: { ...PLAN.recipe, vae: { sha256: 'two' } } };
    await expect(openWriter(folder, other, ATTACHED)).rejects.toThrow(
      'its recipe.vae.sha256 is "one", wanted "two"',
    );
    await fill(folder, 9);
    await expect(openWriter(folder, PLAN, ATTACHED)).rejects.toThrow(/holds a finished cache/);
    expect((await readPlan(folder))?.recipe).toEqual(PLAN.recipe);
  });

  it('refuses records that do not fit', async () => {
    const writer = await openWriter(join(home, 'odd'), PLAN, ATTACHED);
    const good = chunk(0, 2);
    await expect(
      writer.append({ ...good, data: { ...good.data, label: new Uint8Array(4) } }),
    ).rejects.toThrow('label has 4 bytes, wanted 8');
    await writer.close();
  });
});

describe('damage', () => {
  const damaged = async (break_: (folder: string) => void): Promise<string> => {
    const folder = join(home, 'damaged');
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(home, 'whole'), folder, { recursive: true });
    break_(folder);
    return folder;
  };

  it('is named by file', async () => {
    const folder = await damaged((path) => {
      const bytes = readFileSync(join(path, 'latent-00001.bin'));
      bytes[7] = (bytes[7] as number) ^ 1;
      writeFileSync(join(path, 'latent-00001.bin'), bytes);
      truncateSync(join(path, 'label-00003.bin'), 4);
      rmSync(join(path, 'pixels-00000.bin'));
      writeFileSync(join(path, 'images.tsv'), 'other');
    });
    expect(await verifyCache(folder)).toEqual([
      expect.stringContaining('images.tsv is damaged'),
      expect.stringContaining('pixels-00000.bin is missing'),
      expect.stringContaining('latent-00001.bin is damaged'),
      expect.stringContaining('label-00003.bin has 4 bytes, wanted 8'),
    ]);
    const cache = await openCache(folder);
    expect(() => cache.gather('label', [19])).toThrow(/label-00003\.bin has 4 bytes, wanted 8/);
    await expect(readAttachment(folder, cache.index, 'images.tsv')).rejects.toThrow(/images\.tsv is damaged/);
    cache.close();
  });

  it('of an index is an error, and a folder without one is no cache', async () => {
    const folder = await damaged((path) => writeFileSync(join(path, 'index.json'), '{"kind":"other"}'));
    await expect(readIndex(folder)).rejects.toThrow(/index\.json is damaged or of another version/);
    await expect(openCache(home)).rejects.toThrow(/holds no cache/);
    expect(existsSync(join(home, 'index.json'))).toBe(false);
  });
});
