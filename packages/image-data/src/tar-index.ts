/** Finds the members of a tar archive without reading their content. */
import {
  BLOCK,
  type Extended,
  fieldNumber,
  fieldText,
  hasChecksum,
  headerName,
  paxFields,
} from './tar-header.ts';

/** A member of an archive; folders are left out. Names that are no UTF-8 have lone surrogates (`decodeName`). */
export interface TarEntry {
  readonly name: string;
  readonly kind: 'file' | 'hard link' | 'link' | 'sparse' | 'other';
  readonly offset: number;
  readonly size: number;
  /** Destination of a link. */
  readonly target: string;
}

/** Bytes of an archive by position. */
export interface TarSource {
  readonly size: number;
  /** Fills as much of `target` as there is from `position` on, and resolves to the number of bytes. */
  read(target: Uint8Array, position: number): Promise<number>;
}

/** The members of an archive in their order. */
export interface TarIndex {
  readonly entries: readonly TarEntry[];
  /** Where the end marker stands; undefined where the archive has none. */
  readonly end: number | undefined;
}

/** Records of extended headers are smaller. */
const LARGEST_RECORD = 1 << 20;

const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hard link',
  '2': 'link',
  S: 'sparse',
};
/** Folders, also GNU's incremental ones, and labels of a volume. */
const NO_MEMBER = /^[5DVg]$/;
/** Links, devices, folders and pipes have no content, whatever size their header has. */
const WITHOUT_CONTENT = /^[1-6]$/;

/**
 * All members of an archive; `name` names the archive in errors.
 * @throws Error where the archive is damaged or cut off
 */
export async function tarEntries(source: TarSource, name: string): Promise<TarIndex> {
  const entries: TarEntry[] = [];
  const block = new Uint8Array(BLOCK);
  let extended: Extended = {};
  let at = 0;
  const fail = (problem: string): never => {
    throw new Error(`${name}: the archive ${problem} at byte ${at}; it is damaged or cut off.`);
  };
  while (at < source.size) {
    if ((await source.read(block, at)) < BLOCK) fail('ends inside a header');
    if (block.every((byte) => byte === 0)) return { entries, end: at };
    if (!hasChecksum(block)) fail('has no tar header');
    const type = String.fromCharCode(block[156] as number);
    const isExtended = /[xXLK]/.test(type);
    const own = isExtended ? undefined : extended.size;
    const size = WITHOUT_CONTENT.test(type) ? 0 : (own ?? fieldNumber(block, 124, 12));
    const begin = at + BLOCK + (type === 'S' ? await sparseMap(source, block, at) : 0);
    const next = begin + Math.ceil(size / BLOCK) * BLOCK;
    if (!(Number.isSafeInteger(size) && size >= 0 && begin + size <= source.size))
      fail(`claims a file of ${size} bytes, more than follow it,`);
    if (next > source.size) fail(`ends inside the padding of a file of ${size} bytes`);
    if (isExtended) {
      if (size > LARGEST_RECORD) fail(`has an extended header of ${size} bytes`);
      const record = new Uint8Array(size);
      if ((await source.read(record, begin)) < size) fail('ends');
      extended = { ...extended, ...extendedFields(type, record) };
    } else {
      const entry = member(block, extended, type);
      if (entry !== undefined) entries.push({ ...entry, offset: begin, size });
      if (type !== 'g') extended = {};
    }
    at = next;
  }
  return { entries, end: undefined };
}

function extendedFields(type: string, record: Uint8Array): Extended {
  if (type === 'L') return { name: fieldText(record) };
  return type === 'K' ? { target: fieldText(record) } : paxFields(record);
}

function member(
  block: Uint8Array,
  extended: Extended,
  type: string,
): Pick<TarEntry, 'name' | 'kind' | 'target'> | undefined {
  const name = extended.name ?? headerName(block);
  const kind = KINDS[type] ?? 'other';
  if (NO_MEMBER.test(type) || (kind === 'file' && name.endsWith('/'))) return undefined;
  return {
    name,
    kind: extended.sparse ? 'sparse' : kind,
    target: extended.target ?? fieldText(block, 157, 100),
  };
}

/** Bytes of the blocks that continue the map of a sparse file after its header. */
async function sparseMap(source: TarSource, header: Uint8Array, at: number): Promise<number> {
  const block = new Uint8Array(BLOCK);
  let bytes = 0;
  for (let more = header[482]; more !== 0; more = block[504]) {
    bytes += BLOCK;
    if ((await source.read(block, at + bytes)) < BLOCK) break; // the caller finds it cut off
  }
  return bytes;
}
