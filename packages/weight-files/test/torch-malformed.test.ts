import { describe, expect, it } from 'vitest';
import { parseTorch } from '../src/index.ts';
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
    ['an empty file', bytes(0), /neither a zip archive of torch.save nor safetensors/],
    ['a file of zeros', bytes(100), /neither a zip archive/],
    [
      'the form from before 1.6',
      joined([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]),
      /form from before 1\.6, which is not read; load it with a newer torch/,
    ],
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
    ['a compressed entry', zipOf([['a/data.pkl', pickle, { method: 8 }]]), /is compressed, wanted it stored/],
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

describe('pickles are refused', () => {
  it.each<[string, (Uint8Array | string | number[])[], RegExp]>([
    [
      'a call of the system',
      [REDUCE_OS],
      /asks for "os\.system", which is not read because it could run code/,
    ],
    ['eval', [global('builtins', 'eval')], /"builtins\.eval"/],
    ['getattr by stack', [text('builtins'), text('getattr'), [0x93]], /"builtins\.getattr"/],
    ['a class of another library', [global('pathlib', 'PosixPath')], /"pathlib\.PosixPath"/],
    [
      'another way to rebuild',
      [global('torch._utils', '_rebuild_tensor')],
      /"torch\._utils\._rebuild_tensor"/,
    ],
    ['an object prototype name', [global('__proto__', 'x')], /"__proto__\.x"/],
    ['a global without a name', [integer(1), integer(2), [0x93]], /a global without name/],
    ['an unknown opcode', ['I1\n'], /opcode 0x49, which no file of tensors needs \(byte 3 of the pickle\)/],
    ['an end without a value', [], /takes a value where there is none/],
    ['a string past the end', ['X', [0xff, 0xff, 0xff, 0x7f]], /string that is cut off/],
    ['text that is not UTF-8', ['X', [1, 0, 0, 0, 0xff]], /not valid UTF-8/],
    ['a tuple without mark', ['t'], /lacks a mark/],
    ['a value below a mark', [']', '(', 'N', 'N', 'N', [0x87], 'a'], /takes a value where there is none/],
    ['memory that was never stored', ['h', [7]], /recalls value 7, which it never stored/],
    ['a call of a value', [']', ')', 'R'], /calls list, wanted a function/],
    [
      'a call of a storage type',
      [global('torch', 'FloatStorage'), ')', 'R'],
      /calls global, wanted a function/,
    ],
    ['arguments that are no tuple', [ORDERED, 'N', 'R'], /wanted a function of the list/],
    ['an OrderedDict with arguments', [ORDERED, tuple(joined(']')), 'R'], /called with arguments/],
    ['the state of a number', [integer(1), '}', 'b'], /sets the state of number/],
    ['an item of no dict', [']', 'N', 'N', 's'], /of list, wanted a dict/],
    ['keys without values', ['}', '(', 'N', 'u'], /sets 1 keys and values/],
    ['a key that is a tuple', ['}', ')', 'N', 's'], /key that is list, wanted text or a number/],
    ['an appended dict', ['}', 'N', 'a'], /appends to dict, wanted a list/],
    ['a prototype key', ['}', text('__proto__'), '}', 's'], /uses the key "__proto__"/],
    [
      'a number and its text',
      ['}', text('1'), 'N', 's', integer(1), 'N', 's'],
      /"1" both as number and as string/,
    ],
    ['a list in itself', [']', 'q', [0], 'h', [0], 'a'], /contains itself/],
    ['deep nesting', [']'.repeat(100_000), 'a'.repeat(99_999)], /nests deeper than 64 levels/],
    ['a function as a value', [ORDERED], /a global that belongs to no tensor/],
    [
      'a storage as a value',
      [
        tuple(text('storage'), joined(global('torch', 'ByteStorage')), text('0'), text('cpu'), integer(1)),
        'Q',
      ],
      /a storage that belongs/,
    ],
    ['another persistent id', [tuple(text('module')), 'Q'], /not the storage of a tensor/],
    ['a storage of negative length', one('0', -1, 0, [1], [1]), /not the storage of a tensor/],
    ['a shape without strides', one('0', 2, 0, [2], []), /as many strides/],
    ['a negative stride', one('0', 2, 0, [2], [-1]), /as many strides/],
    ['a shape beyond the storage', one('0', 2, 1, [2], [1]), /does not fit its storage of 2 elements/],
    ['a stride beyond the storage', one('0', 2, 0, [2], [2]), /does not fit its storage/],
    ['more elements than the storage has', one('0', 2, 0, [1000, 1000], [0, 0]), /does not fit its storage/],
    [
      'sizes whose product overflows',
      one('0', 2, 0, Array(16).fill(2 ** 31 - 1), Array(16).fill(0)),
      /does not fit its/,
    ],
    [
      'numpy values of another type',
      [global('numpy.core.multiarray', 'scalar'), tuple(integer(1), integer(2)), 'R'],
      /lacks type or bytes/,
    ],
    [
      'a length of 16 EB',
      ['}', text('w'), joined(tensor('0', 2, 0, [2], [1]).subarray(0, -1), 'R'), [0x8a, 255]],
      /cut off/,
    ],
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

describe('storages are refused', () => {
  it.each<[string, Uint8Array, RegExp]>([
    [
      'of another length',
      archiveOf(one('0', 2, 0, [2], [1]), { 0: bytes(9) }),
      /storage "0" has 9 bytes, wanted 2 elements of F32/,
    ],
    [
      'that are missing',
      archiveOf(one('../0', 2, 0, [2], [1]), { 0: bytes(8) }),
      /storage "..\/0" has no entry/,
    ],
  ])('%s', async (_, file, message) => {
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(message);
  });

  it('that many tensors share', async () => {
    const shared = Array.from({ length: 400 }, (_, i) =>
      joined(text(`w${i}`), tensor('0', 50_000, 0, [50_000], [1]), 's'),
    );
    const file = archiveOf(['}', ...shared], { 0: bytes(200_000) });
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(
      /the tensors take 80000000 bytes in a file of \d+, wanted at most 4 times/,
    );
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
});
