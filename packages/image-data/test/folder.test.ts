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

it('shards below folders are found, and do not take the place of images', async () => {
  write('split/train/000.tar', await tarFile(sample('k', '1')));
  write('split/val/000.tgz', gzipSync(await tarFile(sample('k', '0'))));
  const both = await openImages(join(home, 'split'));
  expect(both.names).toEqual(['train/000.tar/k', 'val/000.tgz/k']);
  expect(describeSource(both).join()).toContain('of the parts train, val, and all are read');
  await both.close();
  const one = await openImages(join(home, 'split'), { within: 'val' });
  expect(one.names).toEqual(['val/000.tgz/k']);
  await one.close();

  write('stray/photos/1.png');
  write('stray/photos/old.tar', await tarFile(sample('k', '1')));
  const stray = await openImages(join(home, 'stray'));
  expect(stray.names).toEqual(['photos/1.png']);
  expect(stray.leftOut).toMatchObject([{ extension: '.tar', count: 1, example: 'photos/old.tar' }]);
  write('stray/places/2.png');
  write('stray/backup.tar.gz', gzipSync(await tarFile(sample('k', '1'))));
  const classes = await openImages(join(home, 'stray'));
  expect(classes.names).toEqual(['photos/1.png', 'places/2.png']);
  expect(classes.leftOut.reduce((sum, { count }) => sum + count, 0)).toBe(2);
});

it("a hub repository's shards come before the pictures of its card, and near ones before others", async () => {
  write('hub/data/train-0000.tar', await tarFile(sample('k', '1')));
  write('hub/assets/card.png');
  write('hub/old/train-0000.tar', await tarFile(sample('k', '0')));
  const hub = await openImages(join(home, 'hub'));
  expect(hub.names).toEqual(['train-0000.tar/k']);
  expect(hub.leftOut).toMatchObject([
    { extension: '.png', example: 'assets/card.png' },
    { extension: '.tar', example: 'old/train-0000.tar' },
  ]);
  await hub.close();
});
