import { describe, expect, it } from 'vitest';
import { parseTorch, torchStateDict, Unread } from '../src/index.ts';
import { archiveOf, global, integer, joined, sizes, tensor, text, tuple, zipOf } from './torch-archive.ts';

const bytes = (length: number): Uint8Array => new Uint8Array(length);

/** A dict with one tensor. */
const one = (...args: Parameters<typeof tensor>): Uint8Array[] => [
  joined('}', text('w'), tensor(...args), 's'),
];

const good = archiveOf(one('0', 2, 0, [2], [1]), { 0: bytes(8) });

describe('archives are refused', () => {
  const pickle = joined([0x80, 2], '}.');
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', bytes(0), /neither PyTorch's nor safetensors/],
    ['a file of zeros', bytes(100), /neither PyTorch's nor/],
    ['an archive without its end', good.subarray(0, good.length - 5), /no end record/],
    ['an archive of something else', zipOf([['a/x', pickle]]), /0 entries named data\.pkl, wanted one/],
    [
      'two pickles',
      zipOf([
        ['a/data.pkl', pickle],
        ['b/data.pkl', pickle],
      ]),
      /2 entries named data\.pkl/,
    ],
    [
      'a name twice',
      zipOf([
        ['a/data.pkl', pickle],
        ['a/data.pkl', pickle],
      ]),
      /the entry "a\/data\.pkl" twice/,
    ],
    ['an entry that is not compressed', zipOf([['a/data.pkl', pickle, { method: 8 }]]), /cannot be inflated/],
    ['an encrypted entry', zipOf([['a/data.pkl', pickle, { flags: 1 }]]), /is encrypted/],
    [
      'a size past its end',
      zipOf([['a/data.pkl', pickle, { size: 99 }]]),
      /claims bytes 40 to 139, wanted it to end by 44/,
    ],
    [
      'zip64 sizes that are not there',
      zipOf([['a/data.pkl', pickle, { size: 0xffffffff }]]),
      /lacks its zip64 sizes/,
    ],
    ['a header somewhere else', zipOf([['a/data.pkl', pickle, { header: 3 }]]), /no header at byte 3/],
    ['a header past the end', zipOf([['a/data.pkl', pickle, { header: 5000 }]]), /names bytes 5000 to 5030/],
    [
      'entries over each other',
      zipOf([
        ['a/data.pkl', pickle],
        ['a/data/0', bytes(8), { header: 1 }],
      ]),
      /"a\/data\.pkl" claims bytes 40 to 44, wanted it to end by 1/,
    ],
    [
      'big-endian tensors',
      zipOf([
        ['a/data.pkl', pickle],
        ['a/byteorder', joined('big')],
      ]),
      /big-endian/,
    ],
  ])('%s', async (_, file, message) => {
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(message);
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(/^bad\.pt: [^\n]{1,300}\.$|\?$/);
  });
});

const REDUCE_OS = joined(global('os', 'system'), tuple(text('true')), 'R');
const ORDERED = global('collections', 'OrderedDict');

describe('damaged pickles are refused', () => {
  it.each<[string, (Uint8Array | string | number[])[], RegExp]>([
    ['a global without a name', [integer(1), integer(2), [0x93]], /a global without name/],
    ['an unknown opcode', [[0xff]], /opcode 0xff, which no file of tensors needs \(byte 3 of the pickle\)/],
    ['an end without a value', [], /takes a value where there is none/],
    ['a string past the end', ['X', [0xff, 0xff, 0xff, 0x7f]], /the pickle is cut off/],
    ['a string of 16 EB', [[0x8d], Array(8).fill(0xff)], /the pickle is cut off/],
    ['bytes of 16 EB', [[0x8e], Array(8).fill(0xff)], /the pickle is cut off/],
    [
      'an integer of 2 GB',
      [[0x8b, 0xff, 0xff, 0xff, 0x7f]],
      /integer of 2147483647 bytes, wanted at most 1024/,
    ],
    ['an integer of many digits', [`I${'9'.repeat(500)}\n`], /no decimal number/],
    ['text that is not UTF-8', ['X', [1, 0, 0, 0, 0xff]], /not valid UTF-8/],
    ['a tuple without mark', ['t'], /lacks a mark/],
    ['a value below a mark', [']', '(', 'N', 'N', 'N', [0x87], 'a'], /takes a value where there is none/],
    ['an item of what lies below a mark', [']', '(', 'N', 'a'], /takes a value where there is none/],
    ['memory that was never stored', ['h', [7]], /recalls value 7, which it never stored/],
    ['an item of no dict', [']', 'N', 'N', 's'], /of list, wanted a dict/],
    ['keys without values', ['}', '(', 'N', 'u'], /sets 1 keys and values/],
    ['an appended dict', ['}', 'N', 'a'], /appends to dict, wanted a list/],
    ['an appended tensor', [tensor('0', 2, 0, [2], [1]), 'N', 'a'], /appends to tensor, wanted a list/],
  ])('%s', async (_, pickle, message) => {
    const file = archiveOf(pickle, { 0: bytes(8) });
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(message);
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(/^bad\.pt: [^\n]{1,400}\.$/);
  });

  it('reads the file they are made from', async () => {
    const { value } = await parseTorch(good);
    expect(value).toEqual({ w: { dtype: 'F32', shape: [2], data: bytes(8) } });
  });
});

const under = (key: string, ...pickle: readonly (Uint8Array | string | number[])[]): Uint8Array =>
  joined(text(key), ...pickle, 's');

describe('values that are not read leave the others readable', () => {
  it.each<[string, (Uint8Array | string | number[])[], RegExp]>([
    ['a call of the system', [REDUCE_OS], /it is os\.system\("true"\)/],
    ['eval', [global('builtins', 'eval')], /it is the name builtins\.eval/],
    ['getattr by stack', [text('builtins'), text('getattr'), [0x93]], /the name builtins\.getattr/],
    ['a call of what a call gave', [REDUCE_OS, ')', 'R'], /it is os\.system\(\)/],
    ['a class of another library', [global('pathlib', 'PosixPath'), ')', 'R'], /pathlib\.PosixPath\(\)/],
    ['an instance of Python 2', ['(', text('x'), 'ios\nsystem\n'], /os\.system\("x"\)/],
    [
      'an object of a class and marked arguments',
      ['(', global('os', 'system'), text('x'), 'o'],
      /os\.system\("x"\)/,
    ],
    ['named arguments', [global('os', 'system'), ')', '}', [0x92]], /os\.system\(\)/],
    ['a state', [REDUCE_OS, '}', under('x', 'N'), 'b'], /os\.system/],
    ['a code of copyreg', [[0x82, 7]], /an object by a code of copyreg/],
    ['an object prototype name', [global('__proto__', 'x')], /the name __proto__\.x/],
    ['a call of a value', [']', ')', 'R'], /it is list\(\)/],
    ['a call of a storage type', [global('torch', 'FloatStorage'), ')', 'R'], /torch\.FloatStorage\(\)/],
    [
      'a dict of no pairs',
      [ORDERED, tuple(joined(']', 'N', 'a')), 'R'],
      /a dict of something else than pairs/,
    ],
    [
      'a key that is an object',
      ['}', REDUCE_OS, 'N', 's'],
      /key that is neither text, number nor short tuple/,
    ],
    ['a prototype key', ['}', under('__proto__', '}')], /a dict with the key "__proto__"/],
    ['a number and its text', ['}', under('1', 'N'), integer(1), 'N', 's'], /two keys that read "1"/],
    ['a list in itself', [']', 'q', [0], 'h', [0], 'a'], /a list that contains itself/],
    ['deep nesting', [']'.repeat(100_000), 'a'.repeat(99_999)], /a list nested deeper than 64 levels/],
    [
      'a storage as a value',
      [
        tuple(text('storage'), joined(global('torch', 'ByteStorage')), text('0'), text('cpu'), integer(1)),
        'Q',
      ],
      /a storage of 1 elements of U8 without a tensor/,
    ],
    ['another persistent id', [tuple(text('module')), 'Q'], /a persistent id that is not the storage/],
    [
      'a storage of negative length',
      [tensor('0', -1, 0, [1], [1])],
      /a persistent id that is not the storage/,
    ],
    [
      'a quantized storage',
      [tensor('0', 2, 0, [2], [1], 'QInt8Storage')],
      /the storage type torch\.QInt8Storage/,
    ],
    ['a shape without strides', [tensor('0', 2, 0, [2], [])], /as many strides/],
    ['a negative stride', [tensor('0', 2, 0, [2], [-1])], /as many strides/],
    ['a shape beyond the storage', [tensor('0', 2, 1, [2], [1])], /does not fit its storage of 2 elements/],
    ['a stride beyond the storage', [tensor('0', 2, 0, [2], [2])], /does not fit its storage/],
    [
      'sizes whose product overflows',
      [tensor('0', 2, 0, Array(16).fill(2 ** 31 - 1), Array(16).fill(0))],
      /does not fit its/,
    ],
    [
      'numpy values of another type',
      [global('numpy.core.multiarray', 'scalar'), tuple(integer(1), integer(2)), 'R'],
      /lacks type or bytes/,
    ],
    ['a storage of another length', [tensor('0', 3, 0, [2], [1])], /storage "0" has 8 bytes, wanted 12/],
    ['a storage that is missing', [tensor('../0', 2, 0, [2], [1])], /storage "..\/0" has no entry, wanted 8/],
  ])('%s', async (_, pickle, message) => {
    const file = archiveOf(['}', under('good', tensor('0', 2, 0, [2], [1])), under('bad', ...pickle)], {
      0: bytes(8),
    });
    const { value } = await parseTorch(file, 'some.pt');
    const leaves = JSON.stringify(value, (_key, item) => (item?.dtype ? 'tensor' : item));
    expect(leaves).toMatch(/"good":"tensor"/);
    expect(leaves.replaceAll('\\"', '"')).toMatch(new RegExp(message.source.replace('it is ', '')));
    expect(Object.keys(torchStateDict(value, undefined, (name) => name === 'good'))).toEqual(['good']);
    if (!/deeper|itself/.test(message.source))
      expect(() => torchStateDict(value)).toThrow(/entry "bad" is no tensor: it is/);
  });

  it('or is the whole file', async () => {
    const { value } = await parseTorch(archiveOf([REDUCE_OS]));
    expect(() => torchStateDict(value)).toThrow(
      'The PyTorch file holds no dict, it is os.system("true"), wanted a state dict.',
    );
  });
});

describe('memory is bounded', () => {
  const MIB = 2 ** 20;
  const spare = 15 * MIB;
  it.each<[string, (Uint8Array | string | number[])[]]>([
    ['empty lists', [']'.repeat(spare)]],
    ['empty dicts', ['}'.repeat(spare)]],
    ['empty tuples', [')'.repeat(spare)]],
    ['calls', [global('a', 'b'), 'q', [0], new Uint8Array(Buffer.from('h\0)R'.repeat(spare / 4)))]],
    ['places in the memo', [']', new Uint8Array(spare).fill(0x94)]],
    [
      'bytes of one long text, again and again',
      [
        global('_codecs', 'encode'),
        ...['q', [0], text('x'.repeat(MIB)), text('latin1'), [0x86], 'q', [1]],
        new Uint8Array(Buffer.from('h\0h\x01R'.repeat(MIB))),
      ],
    ],
    [
      'copies of one long list, again and again',
      [
        global('builtins', 'list'),
        ...['q', [0], ']', '(', 'N'.repeat(MIB), 'e', [0x85], 'q', [1]],
        new Uint8Array(Buffer.from('h\0h\x01R'.repeat(MIB))),
      ],
    ],
  ])('%s', async (_, pickle) => {
    const file = archiveOf(pickle);
    const before = process.memoryUsage().rss;
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(
      /bad\.pt: the pickle takes more than 96 MiB of memory/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(768 * MIB);
  });

  it('as tensors that share a storage are', async () => {
    const shared = Array.from({ length: 400 }, (_, i) =>
      joined(text(`w${i}`), tensor('0', 50_000, 0, [50_000], [1]), 's'),
    );
    const file = archiveOf(['}', ...shared], { 0: bytes(200_000) });
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(
      /the tensors take 80000000 bytes in a file of \d+, wanted at most 4 times its size and 16 MiB/,
    );
  });

  it('as one that is expanded is', async () => {
    const file = archiveOf(['}', under('w', tensor('0', 1, 0, [3000, 3000], [0, 0]))], { 0: bytes(4) });
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(/the tensors take 36000000 bytes/);
  });
});

describe('values that a pickle shares', () => {
  it('stay shared, however often they are nested', async () => {
    const level = (i: number): Uint8Array =>
      joined('(', ...Array.from({ length: 10 }, () => ['h'.charCodeAt(0), i]), 't', 'q', [i + 1]);
    const levels = Array.from({ length: 40 }, (_, i) => level(i));
    const { value } = await parseTorch(archiveOf([')', 'q', [0], ...levels, sizes(), '0'].slice(0, -2)));
    let depth = 0;
    for (let at = value as never[]; at.length > 0; at = at[9] as never) depth++;
    expect(depth).toBe(40);
  });

  it('make no keys longer than a line', async () => {
    const levels = Array.from({ length: 40 }, (_, i) => joined('h', [i], 'h', [i], [0x86], 'q', [i + 1]));
    const { value } = await parseTorch(archiveOf([')', 'q', [0], ...levels, '}', 'h', [40], 'N', 's']));
    expect(value).toEqual(new Unread('a dict with a key that is neither text, number nor short tuple'));
  });

  it('cannot make a module of more tensors than the file could hold', async () => {
    const level = (i: number): Uint8Array =>
      joined(
        global('__torch__', 'M'),
        ')',
        [0x81],
        '}',
        ...['a', 'b'].map((key) => under(key, 'h', [i])),
        'b',
        'q',
        [i + 1],
      );
    const leaf = joined(global('__torch__', 'M'), ')', [0x81], '}', 'b', 'q', [0]);
    const { value } = await parseTorch(archiveOf([leaf, ...Array.from({ length: 40 }, (_, i) => level(i))]));
    expect(JSON.stringify(value)).toBe('{"what":"a module of more than 65536 members or 64 levels"}');
  });
});
