/** Python's own data types as a pickle calls them. */
import { type Call, type Dict, isKind, type List, type Value } from './pickle-value.ts';
import { Unread } from './unread.ts';

/** Bytes that a list item or a dict entry takes when it is copied. */
const ITEM_BYTES = 32;

const list: Call = ([items], spend): List => {
  const copied = isKind(items, 'list') ? items.items : [];
  spend(ITEM_BYTES * copied.length);
  return { kind: 'list', items: [...copied] };
};

/** `dict()`, `dict(other)`, `dict([(key, value)])`. */
const dict: Call = ([content], spend): Dict | Unread => {
  const entries = new Map<Value, Value>();
  if (isKind(content, 'dict')) {
    spend(ITEM_BYTES * content.entries.size);
    for (const [key, value] of content.entries) entries.set(key, value);
  } else if (isKind(content, 'list')) {
    spend(ITEM_BYTES * content.items.length);
    for (const pair of content.items) {
      if (!isKind(pair, 'list') || pair.items.length !== 2)
        return new Unread('a dict of something else than pairs');
      entries.set(pair.items[0] as Value, pair.items[1] as Value);
    }
  }
  return { kind: 'dict', entries };
};

const LATIN1: ReadonlySet<unknown> = new Set(['latin1', 'latin-1']);

/** `encode(text, 'latin1')`, `bytearray(text, 'latin-1')`, `bytearray(bytes)` and the empty call. */
const bytes: Call = ([content, encoding], spend) => {
  if (content === undefined) return { kind: 'bytes', data: new Uint8Array(0) };
  if (isKind(content, 'bytes')) return content;
  if (typeof content !== 'string' || !LATIN1.has(encoding))
    return new Unread('bytes of something else than text in latin1');
  spend(content.length);
  return { kind: 'bytes', data: new Uint8Array(Buffer.from(content, 'latin1')) };
};

const complex: Call = ([real = 0, imag = 0]) => ({
  kind: 'dict',
  entries: new Map<Value, Value>([
    ['real', real],
    ['imag', imag],
  ]),
});

/** The functions by name. */
export const PYTHON_CALLS: readonly (readonly [string, Call])[] = [
  ['collections.OrderedDict', dict],
  ['collections.Counter', dict],
  ['collections.defaultdict', ([, content], spend) => dict(content === undefined ? [] : [content], spend)],
  ['_codecs.encode', bytes],
  ['builtins.dict', dict],
  ['builtins.list', list],
  ['builtins.tuple', list],
  ['builtins.set', list],
  ['builtins.frozenset', list],
  ['builtins.bytes', bytes],
  ['builtins.bytearray', bytes],
  ['builtins.complex', complex],
];
