/** A zip archive, stored or deflated, as a tree. */
import { isUtf8 } from 'node:buffer';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { archiveTree, type Member } from './archive.ts';
import { cleanName, isHidden } from './names.ts';
import type { FileTree } from './tree.ts';

/** Upper bound of the size of an image or label file. */
const LARGEST_ENTRY = 1 << 30;
/** Bit of the flags by which a name is UTF-8. */
const UTF8 = 0x800;
/** Types of files in a Unix mode; those of other systems are 0. */
const [REGULAR, LINK, FOLDER] = [0o100000, 0o120000, 0o040000];
/** Names of methods that are not read. */
const METHODS: Readonly<Record<number, string>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'xz',
};

// The types of yauzl 2 lack what its version 3 exports.
const { getFileNameLowLevel } = yauzl as typeof yauzl & {
  getFileNameLowLevel(flags: number, name: Buffer, extra: Entry['extraFields'], strict: boolean): string;
};

/** Name of an entry with `/`: UTF-8 where its bytes are, else code page 437. */
function entryName(entry: Entry): string {
  const raw = entry.fileName as unknown as Buffer; // of an archive that is opened without decodeStrings
  const flags = isUtf8(raw) ? entry.generalPurposeBitFlag | UTF8 : entry.generalPurposeBitFlag;
  return getFileNameLowLevel(flags, raw, entry.extraFields, false);
}

interface Named {
  readonly entry: Entry;
  readonly name: string;
}

function openArchive(path: string): Promise<{ zip: ZipFile; entries: Named[] }> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
    yauzl.open(path, options, (error, zip) => {
      if (error) return reject(error);
      const entries: Named[] = [];
      zip.on('error', (cause) => {
        zip.close();
        reject(cause);
      });
      zip.on('end', () => resolve({ zip, entries }));
      zip.on('entry', (entry: Entry) => {
        const name = entryName(entry);
        if (!name.endsWith('/')) entries.push({ entry, name: cleanName(name) });
        zip.readEntry();
      });
      zip.readEntry();
    });
  });
}

async function readEntry(zip: ZipFile, entry: Entry, name: string): Promise<Uint8Array> {
  const { uncompressedSize } = entry;
  if (uncompressedSize > LARGEST_ENTRY)
    throw new Error(`${name} claims ${uncompressedSize} bytes, wanted at most ${LARGEST_ENTRY}`);
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(buffer(stream))));
  });
  if (crc32(bytes) !== entry.crc32)
    throw new Error(`${name} has another checksum than listed; it is damaged`);
  return bytes;
}

/** Type of a file by its Unix mode; 0 where the archive was not made on Unix or macOS. */
const fileType = ({ versionMadeBy, externalFileAttributes }: Entry): number =>
  [3, 19].includes(versionMadeBy >>> 8) ? (externalFileAttributes >>> 16) & 0o170000 : 0;

/** The reason for leaving an entry out; undefined where it can be read. */
function unreadable(entry: Entry): string | undefined {
  if (entry.isEncrypted()) return 'encrypted';
  const { compressionMethod: method } = entry;
  if (method !== 0 && method !== 8) return `compressed by ${METHODS[method] ?? `method ${method}`}`;
  return [0, REGULAR, LINK, FOLDER].includes(fileType(entry)) ? undefined : 'no regular file';
}

async function toMember(zip: ZipFile, { entry, name }: Named): Promise<Member<Entry>> {
  const reason = unreadable(entry);
  if (reason !== undefined) return { name, reason };
  if (fileType(entry) !== LINK) return { name, content: entry };
  return { name, target: Buffer.from(await readEntry(zip, entry, name)).toString() };
}

/**
 * The files of a zip archive; hidden ones and those of macOS are left out.
 * @throws Error where the archive cannot be read or holds a name twice
 */
export async function openZip(path: string): Promise<FileTree> {
  const fail = (cause: unknown): never => {
    throw new Error(`${path}: the archive cannot be read (${(cause as Error).message}).`, { cause });
  };
  const { zip, entries } = await openArchive(path).catch(fail);
  try {
    const names = entries.map(({ name }) => name).filter((name) => !name.split('/').some(isHidden));
    const twice = names.length - new Set(names).size;
    if (twice > 0) throw new Error(`it has ${twice} names twice, wanted each once`);
    const members: Member<Entry>[] = [];
    for (const named of entries) members.push(await toMember(zip, named));
    return await archiveTree<Entry>({
      path,
      members,
      notes: [],
      read: (entry, name) => readEntry(zip, entry, name).catch(fail),
      close: async () => zip.close(),
    });
  } catch (error) {
    zip.close();
    return fail(error);
  }
}
