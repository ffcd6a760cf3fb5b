import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { describeSource, openFolder, openImages } from '../src/index.ts';
import { tarFile } from './tar-file.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-folder-'));

function write(name: string, data: string | Uint8Array = 'x'): string {
  mkdirSync(dirname(join(home, name)), { recursive: true });
  writeFileSync(join(home, name), data);
  return join(home, name);
}

it('links to folders and files are followed, and what they cannot lead to is counted', async () => {
  for (const name of ['real/b/0.png', 'real/b/1.png', 'farm/a/2.png']) write(name);
  symlinkSync('../real/b', join(home, 'farm/b'));
  symlinkSync('../../real/b/0.png', join(home, 'farm/a/linked.png'));
  symlinkSync('nowhere.png', join(home, 'farm/a/broken.png'));
  symlinkSync('../a', join(home, 'farm/a/around'));
  symlinkSync('self', join(home, 'farm/a/self'));
  execFileSync('sh', ['-c', 'mkfifo farm/a/pipe.png'], { cwd: home });
  symlinkSync('pipe.png', join(home, 'farm/a/to-pipe.png'));
  const tree = await openFolder(join(home, 'farm'));
  // `find -L` is the other implementation that follows links; it goes around no circle either.
  const found = execFileSync('sh', ['-c', 'find -L . -type f 2>/dev/null | sort'], {
    cwd: join(home, 'farm'),
  });
  expect(tree.files.map((file) => `./${file}`)).toEqual(found.toString().trim().split('\n'));
  expect(tree.files).toContain('b/1.png');
  expect(Object.fromEntries(tree.leftOut.map(({ reason, count }) => [reason, count]))).toEqual({
    'linked to nothing': 1,
    'linked to a folder around it': 1,
    'linked in a circle': 1,
    'no regular file': 2,
  });
});

const sample = (key: string, label: string): [string, Uint8Array][] => [
  [`${key}.png`, Buffer.from('x')],
  [`${key}.cls`, Buffer.from(label)],
];

it('shards are named by a pattern, also compressed, and by their folders where names are equal', async () => {
  for (const [folder, label] of [
    ['train', '1'],
    ['val', '0'],
  ] as const) {
    write(`shards/${folder}/x-0000.tar`, await tarFile(sample('k', label)));
    write(`shards/${folder}/x-0001.tar.gz`, gzipSync(await tarFile(sample('k', label))));
  }
  const both = await openImages(join(home, 'shards/{train,val}/x-{0000..0000}.tar'));
  expect(both.names).toEqual(['train/x-0000.tar/k', 'val/x-0000.tar/k']);
  expect([...both.labels]).toEqual([1, 0]);
  await both.close();
  const packed = await openImages(join(home, 'shards/train'));
  expect(packed.names).toEqual(['x-0000.tar/k', 'x-0001.tar.gz/k']);
  expect(describeSource(packed).join()).toContain('x-0001.tar.gz: it is unpacked into');
  await packed.close();
  await expect(openImages(join(home, 'shards/train/x-{0000..0003}.tar'))).rejects.toThrow(
    /3 of 4 files are missing, the first .*x-0001\.tar/,
  );
});

it('an archive without images says what it holds', async () => {
  write('none/a.txt');
  write('none/.b.png');
  await expect(openImages(join(home, 'none'))).rejects.toThrow(
    /1 file \.png, which is hidden \(\.b\.png\)\. .*1 file \.txt, which is no image of a known kind/,
  );
});
