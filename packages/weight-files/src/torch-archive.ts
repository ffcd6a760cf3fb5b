/** PyTorch's zip archives: those of `torch.save` since 1.6, and TorchScript's. */
import { quote } from './dtype.ts';
import { unpickle } from './pickle.ts';
import type { Storage } from './pickle-value.ts';
import type { Source } from './source.ts';
import type { TorchContent } from './torch-content.ts';
import { entryData, readDirectory, type ZipEntry } from './zip.ts';
import { entrySource } from './zip-entry.ts';

const MAX_PICKLE_BYTES = 1 << 24;

interface Archive {
  readonly source: Source;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly folder: string;
}

async function openArchive(source: Source): Promise<Archive> {
  const entries = await readDirectory(source);
  const pickles = [...entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new Error(
      `${source.name}: the archive has ${pickles.length} entries named data.pkl, wanted one; it was not written by torch.save.`,
    );
  }
  return { source, entries, folder: (pickles[0] as string).slice(0, -'data.pkl'.length) };
}

/** Content of an entry. Archives of torch.save may be without checksums; compressed ones come from other programs. */
async function openEntry({ source }: Archive, entry: ZipEntry): Promise<Source['read']> {
  if (entry.deflated) return (await entrySource(source, entry)).read;
  const begin = await entryData(source, entry);
  return (position, length) => source.read(begin + position, length);
}

async function readWhole(archive: Archive, name: string): Promise<Uint8Array | undefined> {
  const entry = archive.entries.get(archive.folder + name);
  if (!entry) return undefined;
  if (entry.size > MAX_PICKLE_BYTES) {
    throw new Error(
      `${archive.source.name}: ${name} has ${entry.size} bytes, wanted at most ${MAX_PICKLE_BYTES} beside the tensors.`,
    );
  }
  return (await openEntry(archive, entry))(0, entry.size);
}

/**
 * The content of an archive.
 * @throws Error where it is damaged or big-endian
 */
export async function archiveContent(source: Source): Promise<TorchContent> {
  const archive = await openArchive(source);
  const order = await readWhole(archive, 'byteorder');
  if (order && new TextDecoder().decode(order) !== 'little')
    throw new Error(`${source.name}: the tensors are big-endian, wanted little-endian; save the file again.`);
  const opened = new Map<string, Promise<Source['read']>>();
  const read = async ({ key, bytes }: Storage, begin: number, length: number): Promise<Uint8Array> => {
    const entry = archive.entries.get(`${archive.folder}data/${key}`);
    if (entry?.size !== bytes) {
      throw new Error(
        `${source.name}: storage ${quote(key)} has ${entry ? `${entry.size} bytes` : 'no entry'}, wanted ${bytes}.`,
      );
    }
    const content = opened.get(key) ?? openEntry(archive, entry);
    opened.set(key, content);
    return (await content)(begin, length);
  };
  const { value } = unpickle((await readWhole(archive, 'data.pkl')) as Uint8Array, source.name);
  const unpacked = [...archive.entries.values()].reduce((sum, { size }) => sum + size, 0);
  return { root: value, bytes: Math.max(source.size, unpacked), read };
}
