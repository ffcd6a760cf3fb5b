import { mkdirSync, mkdtempSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { describeNotes, type FileTree, openArchive, openTar, openZip } from '../src/index.ts';
import golden from './golden/archives.json' with { type: 'json' };
import { tarFile } from './tar-file.ts';
import { zipFile } from './zip-file.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-archives-'));

function write(name: string, bytes: Uint8Array): string {
  const path = join(home, name);
  writeFileSync(path, bytes);
  return path;
}

const bytesOf = (name: string): Uint8Array => {
  const found = golden.find((one) => one.name === name);
  return gunzipSync(Buffer.from((found as (typeof golden)[number]).archive, 'base64'));
};

async function contents(tree: FileTree): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of tree.files) found[file] = new TextDecoder().decode(await tree.read(file)).slice(0, 8);
  await tree.close();
  return found;
}

const reasons = (tree: FileTree): Record<string, string> =>
  Object.fromEntries(tree.leftOut.map(({ reason, count, example }) => [reason, `${count} ${example}`]));

const readable = golden.filter(({ name }) => !/sparse|bzip2/.test(name));

it.each(readable)('$name gives the files that tar and unzip extract', async ({ name, files }) => {
  const tree = (await openArchive(write(name, bytesOf(name)))) as FileTree;
  expect(await contents(tree)).toEqual(files);
});

it.each(['links.tar', 'links-pax.tar', 'links.zip'])('%s: links that lead out are counted', async (name) => {
  const tree = (await openArchive(write(name, bytesOf(name)))) as FileTree;
  expect(reasons(tree)).toEqual({
    'linked to nothing in the archive': '1 a/broken.png',
    'linked to outside the archive': expect.stringMatching(/^2 a\/(above|absolute)\.png$/),
  });
  await tree.close();
});

it.each(['sparse-old', 'sparse-0.0', 'sparse-0.1', 'sparse-1.0'])(
  '%s members are counted by name',
  async (name) => {
    const tree = await openTar(write('sparse.tar', bytesOf(`${name}.tar`)));
    expect(reasons(tree)).toEqual({ 'stored sparsely': '1 a/holes.png' });
    expect(await contents(tree)).toEqual({ 'b/0.png': 'zero' });
  },
);

it('entries of zip archives that cannot be read are counted by reason', async () => {
  const bzip2 = await openZip(write('bzip2.zip', bytesOf('bzip2.zip')));
  expect(reasons(bzip2)).toEqual({ 'compressed by bzip2': '2 a/0.png' });
  await bzip2.close();
});

it('a zip entry with another checksum is refused by name when it is read', async () => {
  const bytes = zipFile([['a/0.png', Buffer.from('zero')]], false);
  bytes[bytes.indexOf(0x7a, 30)] = 0x5a; // z -> Z, in the content
  const tree = await openZip(write('crc.zip', bytes));
  await expect(tree.read('a/0.png')).rejects.toThrow(/crc\.zip: .*a\/0\.png has another checksum/);
  await tree.close();
});

const two: [string, Uint8Array][] = [
  ['a/0.png', Buffer.from('zero')],
  ['b/1.png', Buffer.from('one')],
];

it('names stay apart, and what is unusual about them is said', async () => {
  const tree = await openTar(
    write(
      'names.tar',
      await tarFile([...two, ['../a/0.png', Buffer.from('up')], ['A/0.png', Buffer.from('A')]]),
    ),
  );
  expect(describeNotes([tree])).toEqual([
    `${home}/names.tar: A/0.png and a/0.png differ only in case or Unicode form; all are read.`,
  ]);
  expect(await contents(tree)).toEqual({
    '../a/0.png': 'up',
    'A/0.png': 'A',
    'a/0.png': 'zero',
    'b/1.png': 'one',
  });
  const twice = await openTar(write('twice.tar', bytesOf('twice.tar')));
  expect(describeNotes([twice])[0]).toMatch(/1 names stand again, such as a\/0\.png/);
  await twice.close();
  const windows = await openTar(write('windows.tar', await tarFile([['a\\0.png', Buffer.from('zero')]])));
  expect(await contents(windows)).toEqual({ 'a/0.png': 'zero' });
  await expect(
    openZip(write('twice.zip', zipFile([...two, ['./a/0.png', Buffer.from('')]], true))),
  ).rejects.toThrow(/1 names twice, wanted each once/);
});

it('what macOS writes beside files is hidden', async () => {
  const junk = Buffer.from('junk');
  const files: [string, Uint8Array][] = [
    ...two,
    ['a/._0.png', junk],
    ['__MACOSX/a/0.png', junk],
    ['.DS_Store', junk],
  ];
  for (const tree of [
    await openTar(write('mac.tar', await tarFile(files))),
    await openZip(write('mac.zip', zipFile(files, true))),
  ]) {
    expect(tree.leftOut.map(({ reason }) => reason)).toEqual(['hidden', 'hidden']); // by extension
    expect(tree.leftOut.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(tree.files).toEqual(['a/0.png', 'b/1.png']);
    await tree.close();
  }
});

it('a tar that does not end is refused; one without its end marker is read, and that is said', async () => {
  const whole = bytesOf('plain.tar'); // two headers, each with a block of content, then the end marker
  const cut = (size: number): string => {
    const path = write('cut.tar', whole);
    truncateSync(path, size);
    return path;
  };
  await expect(openTar(cut(1800))).rejects.toThrow(
    /ends inside the padding .* at byte 1024; it is damaged or cut off/,
  );
  await expect(openTar(cut(1300))).rejects.toThrow(/ends inside a header at byte 1024/);
  await expect(openTar(cut(1537))).rejects.toThrow(/claims a file of 3 bytes/);
  const open = await openTar(cut(2048));
  expect(describeNotes([open])).toEqual([expect.stringMatching(/cut\.tar: the end marker is missing/)]);
  expect(await contents(open)).toEqual({ 'a/0.png': 'zero', 'b/1.png': 'one' });
  const joined = await openTar(write('joined.tar', Buffer.concat([whole, whole])));
  expect(describeNotes([joined])).toEqual([
    expect.stringMatching(/bytes follow the end marker and are not read/),
  ]);
  await joined.close();
});

it('compressed tars are unpacked beside nothing that stays, and refused where damaged', async () => {
  const temporary = join(home, 'temporary');
  mkdirSync(temporary);
  process.env['TMPDIR'] = temporary;
  const gzip = await openTar(write('misnamed.tar', bytesOf('gzip.tar.gz')));
  expect(describeNotes([gzip])).toEqual([expect.stringContaining(`unpacked into ${temporary}`)]);
  expect(readdirSync(temporary)).toEqual([]);
  await gzip.close();
  for (const name of ['gzip.tar.gz', 'zstd.tar.zst']) {
    const bytes = bytesOf(name);
    await expect(openTar(write('cut.tgz', bytes.subarray(0, -6)))).rejects.toThrow(
      /cut\.tgz: .* cannot be unpacked/,
    );
    const damaged = bytes.slice();
    damaged[60] = (damaged[60] as number) ^ 0x55;
    await expect(openTar(write('bad.tgz', damaged))).rejects.toThrow(/bad\.tgz: .* cannot be unpacked/);
  }
  await expect(openTar(write('x.tar.bz2', Buffer.from('BZh91AY&SY')))).rejects.toThrow(
    /packed with bzip2, wanted gzip/,
  );
  await expect(openArchive('images.7z')).rejects.toThrow(/this kind of archive is not read/);
});

it('100,000 members are opened in seconds', { timeout: 60_000 }, async () => {
  const header = Buffer.from(bytesOf('plain.tar').subarray(0, 1024));
  const blocks = Array.from({ length: 100_000 }, (_, i) => {
    const block = Buffer.from(header);
    block.write(`${i % 1000}/${i}.png\0`, 0, 'latin1');
    block.fill(0x20, 148, 156);
    const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return block;
  });
  const path = write('many.tar.gz', gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { level: 1 }));
  const tree = await openTar(path);
  expect(tree.files.length).toBe(100_000);
  expect(new TextDecoder().decode(await tree.read('777/99777.png'))).toBe('zero');
  await tree.close();
});
