import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../src/index.ts';

/** A file of this header and so many data bytes; `claimed` overrides the length field. */
function fileOf(header: string | Uint8Array, dataBytes = 0, claimed?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const tensor = (shape: string, offsets: string, dtype = '"U8"'): string =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;

const u8 = (begin: number, end: number): string => tensor(`[${end - begin}]`, `[${begin},${end}]`);

describe('malformed headers are refused', () => {
  const deep = `{"a":${'['.repeat(100_000)}`;
  it.each<[string, Uint8Array, RegExp]>([
    ['a file shorter than its length field', new Uint8Array(7), /7 bytes, wanted at least the 8/],
    ['a header longer than the file', fileOf('{}', 0, 3n), /claims 3 bytes, wanted at most 2/],
    [
      'a length of 2^64 - 1',
      fileOf('{}', 0, 2n ** 64n - 1n),
      /claims 18446744073709551615 bytes, wanted at most 2/,
    ],
    ['an empty header', fileOf(''), /its end at character 0, wanted '\{'/],
    ['leading space', fileOf(' {}'), /wanted '\{' as first/],
    ['a byte order mark', fileOf('\ufeff{}'), /wanted '\{' as first/],
    ['bytes that are not UTF-8', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), /not valid UTF-8/],
    ['text after the object', fileOf('{} x'), /"x" at character 3, wanted nothing after/],
    ['a missing brace', fileOf('{"a":'), /its end at character 5/],
    ['a missing colon', fileOf('{"a" 1}'), /wanted ':'/],
    ['a trailing comma', fileOf(`{"a":${u8(0, 1)},}`, 1), /wanted a string/],
    ['an endless string', fileOf('{"a\\"'), /wanted a string that ends/],
    ['a bad escape', fileOf('{"\\x":1}'), /valid escapes/],
    ['deep nesting', fileOf(deep), /nesting no deeper than 3/],
    ['a literal', fileOf('{"a":true}'), /wanted a string, a list/],
    ['a tensor that is null', fileOf('{"a":null}'), /"a" wants exactly the fields/],
    ['a long list', fileOf(`{"a":${tensor(`[${'1,'.repeat(70)}1]`, '[0,1]')}}`, 1), /at most 64 items/],
    ['a key twice', fileOf(`{"a":${u8(0, 1)},"a":${u8(0, 1)}}`, 1), /the key "a" twice/],
    ['a key twice by escape', fileOf(`{"a":${u8(0, 1)},"\\u0061":${u8(0, 1)}}`, 1), /the key "a" twice/],
    ['a field twice', fileOf('{"a":{"dtype":"U8","dtype":"F32"}}'), /the key "dtype" twice/],
    ['__proto__', fileOf(`{"__proto__":${u8(0, 1)}}`, 1), /uses the key "__proto__"/],
    ['constructor in metadata', fileOf('{"__metadata__":{"constructor":"x"}}'), /uses the key "constructor"/],
    ['metadata that is a list', fileOf('{"__metadata__":[]}'), /__metadata__ is not an object/],
    ['metadata that is no string', fileOf('{"__metadata__":{"step":1}}'), /entry "step" is not a string/],
    ['a tensor that is a number', fileOf('{"a":1}'), /"a" wants exactly the fields/],
    [
      'a field too many',
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', 1),
      /exactly the fields/,
    ],
    [
      'an unknown type',
      fileOf(`{"a":${tensor('[1]', '[0,1]', '"Q3_K"')}}`, 1),
      /dtype "Q3_K", wanted one of U64, I64/,
    ],
    ['a type that is a number', fileOf(`{"a":${tensor('[1]', '[0,1]', '8')}}`, 1), /dtype "8", wanted text/],
    ['a negative length', fileOf(`{"a":${tensor('[-1]', '[0,1]')}}`, 1), /"-1\],/],
    ['a fractional length', fileOf(`{"a":${tensor('[1.0]', '[0,1]')}}`, 1), /"1.0\],/],
    ['a length in exponent form', fileOf(`{"a":${tensor('[1e1]', '[0,10]')}}`, 10), /"1e1\],/],
    [
      'a length of 2^53',
      fileOf(`{"a":${tensor('[9007199254740992]', '[0,1]')}}`, 1),
      /integer from 0 to 2\^53/,
    ],
    ['a shape that is a string', fileOf(`{"a":${tensor('"[1]"', '[0,1]')}}`, 1), /shape that is not a list/],
    [
      'a product that wraps around 2^64',
      fileOf(`{"a":${tensor('[4194305,4194305,211106198978564]', '[0,4]')}}`, 4),
      /beyond 2\^53 - 1/,
    ],
    [
      'an overflow hidden by a zero',
      fileOf(`{"a":${tensor('[4503599627370496,8,0]', '[0,0]')}}`),
      /beyond 2\^53 - 1/,
    ],
    ['one offset', fileOf(`{"a":${tensor('[1]', '[0]')}}`, 1), /not two non-negative integers/],
    ['offsets in reverse', fileOf(`{"a":${tensor('[1]', '[1,0]')}}`, 1), /has -1 bytes .* wanted 1/],
    ['bytes off the shape', fileOf(`{"a":${tensor('[2]', '[0,4]', '"F32"')}}`, 4), /has 4 bytes .* wanted 8/],
    ['a gap', fileOf(`{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, 3), /"b" starts at byte 2 of the data, wanted 1/],
    [
      'data before the first tensor',
      fileOf(`{"a":${u8(1, 2)}}`, 2),
      /starts at byte 1 of the data, wanted 0/,
    ],
    [
      'an overlap',
      fileOf(`{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, 3),
      /"b" starts at byte 1 of the data, wanted 2/,
    ],
    [
      'two tensors on the same bytes',
      fileOf(`{"a":${u8(0, 2)},"b":${u8(0, 2)}}`, 2),
      /starts at byte 0 .* wanted 2/,
    ],
    [
      'an empty tensor inside another',
      fileOf(`{"a":${u8(0, 2)},"b":${u8(1, 1)}}`, 2),
      /starts at byte 1 .* wanted 2/,
    ],
    ['bytes no tensor owns', fileOf(`{"a":${u8(0, 1)}}`, 2), /cover 1 bytes of data, wanted all 2/],
    ['fewer bytes than the tensors', fileOf(`{"a":${u8(0, 2)}}`, 1), /cover 2 bytes of data, wanted all 1/],
  ])('%s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'bad.safetensors')).toThrow(message);
    expect(() => parseSafetensors(bytes, 'bad.safetensors')).toThrow(/^bad\.safetensors: [^\n]{1,300}\.$/);
  });

  it('accepts trailing space, no tensors, and an empty tensor at a border', () => {
    expect(parseSafetensors(fileOf('{}   '))).toEqual({ metadata: {}, tensors: {} });
    const { tensors } = parseSafetensors(fileOf(`{"b":${u8(0, 2)},"a":${u8(2, 2)}}`, 2));
    expect(Object.values(tensors).map(({ data }) => data.length)).toEqual([2, 0]);
    expect(Object.getPrototypeOf(tensors)).toBe(null);
  });
});
