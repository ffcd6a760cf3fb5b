/** Feeds mutated archives to the readers: each must be refused with an error that names it, or give no more than it holds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openTar, openZip } from '../src/index.ts';
import archives from './golden/archives.json' with { type: 'json' };
import { tarFile } from './tar-file.ts';
import { zipFile } from './zip-file.ts';

/** How many files were read and refused. */
export interface Outcome {
  readonly accepted: number;
  readonly refused: number;
}

/** More files than any seed has, links included. */
const MOST_FILES = 16;

type Random = (limit: number) => number;

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ['a/one.png', new Uint8Array(700).fill(1)],
  [`b/${'long/'.repeat(40)}two.png`, new Uint8Array(30).fill(2)],
  ['dataset.json', new TextEncoder().encode('{"labels":[["a/one.png",0]]}')],
];

function golden(name: string): Uint8Array {
  const { archive = '' } = archives.find((one) => one.name === name) ?? {};
  return gunzipSync(Buffer.from(archive, 'base64'));
}

/** Readers by name: the archives to start from, and how they are opened. */
export const READERS: Readonly<
  Record<'zip' | 'tar' | 'packed', { readonly seeds: readonly Uint8Array[]; readonly open: typeof openZip }>
> = {
  zip: {
    seeds: [zipFile(FILES, false), zipFile(FILES, true), golden('links.zip'), golden('cp437.zip')],
    open: openZip,
  },
  tar: {
    seeds: [
      await tarFile(FILES),
      ...['links.tar', 'hard-links-pax.tar', 'latin.tar', 'sparse-old.tar', 'sparse-1.0.tar'].map(golden),
    ],
    open: openTar,
  },
  packed: { seeds: ['members.tgz', 'zstd.tar.zst', 'frames.tzst'].map(golden), open: openTar },
};

function lcg(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** One to three edits: a byte changed, bytes removed or repeated, a large number or digits written over. */
function mutate(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = seed;
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(bytes.length);
    const length = random(20);
    const [middle, rest] = [
      [Uint8Array.of(random(256)), at + 1],
      [new Uint8Array(0), at + length],
      [bytes.slice(at, at + 2 * length), at + length],
      [new Uint8Array(1 + random(8)).fill(0xff), at + length],
      [new TextEncoder().encode('77777777777'.slice(random(10))), at + length],
    ][random(5)] as [Uint8Array, number];
    bytes = new Uint8Array(Buffer.concat([bytes.slice(0, at), middle, bytes.slice(rest)]));
  }
  return bytes;
}

async function readAll(path: string, open: typeof openZip): Promise<number> {
  const tree = await open(path);
  try {
    let total = 0;
    for (const file of tree.files) total += (await tree.read(file)).length;
    return total;
  } finally {
    await tree.close();
  }
}

/** Opens `rounds` mutated archives and reads all their files; throws on anything but a refusal that names the archive. */
export async function fuzz(name: keyof typeof READERS, rounds: number, seed: number): Promise<Outcome> {
  const { seeds, open } = READERS[name];
  const folder = mkdtempSync(join(tmpdir(), 'ahpa-fuzz-'));
  const path = join(folder, `fuzz.${name}`);
  const random = lcg(seed);
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = mutate(seeds[random(seeds.length)] as Uint8Array, random);
    writeFileSync(path, bytes);
    const read = await readAll(path, open).catch((error: Error) => error);
    if (typeof read === 'number') {
      accepted++;
      if (name === 'tar' && read > bytes.length * MOST_FILES)
        throw new Error(`round ${round}: ${read} bytes of ${bytes.length}`);
    } else if (!read.message.startsWith(path)) throw new Error(`round ${round}: ${read.stack}`);
  }
  rmSync(folder, { recursive: true });
  return { accepted, refused: rounds - accepted };
}
