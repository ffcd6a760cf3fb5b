/** Feeds mutated files to the readers: each must be refused in a sentence that names it, or give tensors no larger than it. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { crc32, deflateRawSync } from 'node:zlib';
import {
  encodeSafetensors,
  parseSafetensors,
  parseTorch,
  type TensorEntry,
  torchStateDict,
} from '../src/index.ts';
import { npyArray, npzArrays } from '../src/npy.ts';
import { unpickle } from '../src/pickle.ts';
import { parseIndex } from '../src/sharded.ts';
import { bytesSource } from '../src/source.ts';
import { entryData, readDirectory } from '../src/zip.ts';
import { zipOf } from './torch-archive.ts';

/** One reader and the files to start from. */
export interface Reader {
  readonly seeds: readonly Uint8Array[];
  /** Makes the file of a mutated seed. */
  readonly wrap: (bytes: Uint8Array, random: Random) => Uint8Array;
  /** Reads a file called `fuzz` and returns how many bytes of tensors it gave. */
  readonly read: (bytes: Uint8Array) => Promise<number>;
  /** Most bytes of tensors for each byte of the file; 4 unless given. */
  readonly growth?: number;
}

/** An integer below `limit`. */
export type Random = (limit: number) => number;

function lcg(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const TEXT = '0|9|-|99999999999|"|{|}|[|]|,|\\|"a":|4294967296|\u0000|F64|(|t|R|}|u|b|Q|.|__proto__';
const FRAGMENTS = [
  ...TEXT.split('|').map((text) => new TextEncoder().encode(text)),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0, 0, 0, 0x80),
  Uint8Array.of(0x8a, 0xff),
  Uint8Array.of(0x85, 0x86, 0x87, 0x94),
  Uint8Array.of(0x50, 0x4b, 1, 2),
];

/** One to three edits: a byte changed, a slice removed, a slice repeated, a fragment inserted or written over. */
function mutate(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = seed;
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(bytes.length);
    const length = random(12);
    const fragment = FRAGMENTS[random(FRAGMENTS.length)] as Uint8Array;
    const [middle, rest] = [
      [Uint8Array.of(random(256)), at + 1],
      [new Uint8Array(0), at + length],
      [bytes.slice(at, at + 2 * length), at + length],
      [fragment, at],
      [fragment, at + fragment.length],
    ][random(5)] as [Uint8Array, number];
    bytes = new Uint8Array(Buffer.concat([bytes.slice(0, at), middle, bytes.slice(rest)]));
  }
  return bytes;
}

const same = (bytes: Uint8Array): Uint8Array => bytes;

const totalOf = (tensors: Readonly<Record<string, TensorEntry>>): number =>
  Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);

/** Half of the mutants get a length field that fits them, so that the header is reached. */
function withLength(bytes: Uint8Array, random: Random): Uint8Array {
  if (random(2) === 0 && bytes.length >= 29)
    new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 29), true);
  return bytes;
}

async function readTorchBytes(bytes: Uint8Array): Promise<number> {
  const { value } = await parseTorch(bytes, 'fuzz');
  try {
    return totalOf(torchStateDict(value));
  } catch (error) {
    if (/^(The PyTorch file|State dict entry) /.test((error as Error).message)) return 0;
    throw error;
  }
}

/** The entries of an archive of torch.save, the pickle first. */
async function entriesOf(archive: Uint8Array): Promise<readonly (readonly [string, Uint8Array])[]> {
  const source = bytesSource(archive, 'seed');
  const entries: [string, Uint8Array][] = [];
  for (const entry of (await readDirectory(source)).values())
    entries.push([entry.name, await source.read(await entryData(source, entry), entry.size)]);
  return entries.sort(([a], [b]) => Number(b.endsWith('data.pkl')) - Number(a.endsWith('data.pkl')));
}

/** Mutates the pickle of an archive and leaves the rest as it is. */
async function pickleReader(archive: Uint8Array): Promise<Reader> {
  const [[name, pickle], ...rest] = (await entriesOf(archive)) as [[string, Uint8Array]];
  return { seeds: [pickle], wrap: (bytes) => zipOf([[name, bytes], ...rest]), read: readTorchBytes };
}

function readSafetensorsBytes(bytes: Uint8Array): number {
  const { tensors } = parseSafetensors(bytes, 'fuzz');
  const again = parseSafetensors(new Uint8Array(Buffer.concat(encodeSafetensors(tensors)))).tensors;
  if (!isDeepStrictEqual(again, tensors)) throw new Error('the tensors do not survive being written');
  return totalOf(tensors);
}

/** An archive of the deflated file; in half of them the deflated bytes are broken too. */
function deflated(npy: Uint8Array, random: Random): Uint8Array {
  const packed = deflateRawSync(npy);
  if (random(2) === 0) packed[random(packed.length)] = random(256);
  return zipOf([['a.npy', packed, { method: 8, size: npy.length, crc: crc32(npy) }]]);
}

async function readNpzBytes(bytes: Uint8Array): Promise<number> {
  const { names, array } = await npzArrays(bytesSource(bytes, 'fuzz'));
  let total = 0;
  for (const name of names) total += (await (await array(name)).read()).data.length;
  return total;
}

const entry = (dtype: TensorEntry['dtype'], shape: number[], bytes: number): TensorEntry => ({
  dtype,
  shape,
  data: new Uint8Array(bytes).fill(7),
});

/** All readers by name; the tests' golden files lie in `folder`. */
export async function readers(folder: URL): Promise<Readonly<Record<string, Reader>>> {
  const golden = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
  const archives = ['checkpoint.pt', 'views.pt', 'types.pt', 'protocol4.pt'].map(golden);
  const shards = { a: 'x.safetensors', 'b.c': 'y-1.safetensors', d: 'x.safetensors' };
  return {
    safetensors: {
      seeds: [
        new Uint8Array(
          Buffer.concat(
            encodeSafetensors(
              { a: entry('F32', [2, 2], 16), 'b.c': entry('U8', [3], 3), d: entry('BF16', [], 2) },
              { format: 'pt' },
            ),
          ),
        ),
      ],
      wrap: withLength,
      read: async (bytes) => readSafetensorsBytes(bytes),
    },
    index: {
      seeds: [new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 9 }, weight_map: shards }))],
      wrap: same,
      read: async (bytes) => 0 * parseIndex(new TextDecoder().decode(bytes), 'fuzz').size,
    },
    zip: { seeds: archives, wrap: same, read: readTorchBytes },
    npy: {
      seeds: ['version1.npy', 'version2.npy'].map(golden),
      wrap: same,
      read: async (bytes) => (await (await npyArray(bytesSource(bytes, 'fuzz'))).read()).data.length,
    },
    npz: { seeds: ['arrays.npz', 'deflated.npz'].map(golden), wrap: same, read: readNpzBytes, growth: 1032 },
    deflated: { seeds: ['version1.npy', 'version2.npy'].map(golden), wrap: deflated, read: readNpzBytes },
    old: { seeds: ['old.pt', 'module-old.pt'].map(golden), wrap: same, read: readTorchBytes },
    text: {
      seeds: [golden('text.pkl')],
      wrap: same,
      read: async (bytes) => 0 * unpickle(bytes, 'fuzz').end,
    },
    script: await pickleReader(golden('scripted.pt')),
    lightning: await pickleReader(golden('lightning.pt')),
    checkpoint: await pickleReader(golden('checkpoint.pt')),
    views: await pickleReader(golden('views.pt')),
  };
}

/** Reads `rounds` mutants; returns how many were accepted and how many refused, and throws on anything else. */
export async function fuzz(
  { seeds, wrap, read, growth = 4 }: Reader,
  rounds: number,
  seed = 20260513,
): Promise<{ accepted: number; refused: number }> {
  const random = lcg(seed);
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = wrap(mutate(seeds[round % seeds.length] as Uint8Array, random), random);
    try {
      const total = await read(bytes);
      if (total > growth * bytes.length)
        throw new Error(`round ${round} gave ${total} bytes of ${bytes.length}`);
      accepted++;
    } catch (error) {
      if (!(error instanceof Error) || !/^fuzz: [^\n]{1,600}[.?]$/.test(error.message))
        throw new Error(`round ${round} of seed ${seed} was not refused in one sentence`, { cause: error });
    }
  }
  return { accepted, refused: rounds - accepted };
}
