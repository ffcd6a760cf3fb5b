import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  decodeImage,
  describeSource,
  type ImageSource,
  openImages,
  openTar,
  orderHash,
} from '../src/index.ts';
import { tarFile } from './tar-file.ts';
import { zipFile } from './zip-file.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-images-'));
const at = (name: string): string => join(home, name);
let images: Uint8Array[] = [];

/** Files of two class folders, and others. */
const files = (): [string, Uint8Array][] => [
  ['train/dog/b.png', images[0] as Uint8Array],
  ['train/cat/deep/a.PNG', images[1] as Uint8Array],
  ['train/dog/notes.txt', Buffer.from('no image')],
  ['train/cat/.hidden.png', Buffer.from('')],
  ['val/cat/c.png', images[2] as Uint8Array],
];

function writeFolder(name: string, content: readonly [string, Uint8Array][]): string {
  for (const [file, data] of content) {
    mkdirSync(dirname(join(at(name), file)), { recursive: true });
    writeFileSync(join(at(name), file), data);
  }
  return at(name);
}

/** Names, labels, classes, and the top left value of every image, which tells them apart. */
async function summary(source: ImageSource): Promise<unknown> {
  const shades: number[] = [];
  for (let row = 0; row < source.names.length; row++)
    shades.push((await decodeImage(await source.read(row), 4)).pixels[0] as number);
  await source.close();
  return { names: source.names, labels: [...source.labels], classes: source.classes, shades };
}

beforeAll(async () => {
  const shade = (r: number): Promise<Buffer> =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r, g: 9, b: 9 } } })
      .png()
      .toBuffer();
  images = await Promise.all([10, 20, 30].map(shade));
});

const TRAIN = {
  names: ['cat/deep/a.PNG', 'dog/b.png'],
  labels: [0, 1],
  classes: ['cat', 'dog'],
  shades: [20, 10],
};

describe('class folders', () => {
  it('are read from a folder, a zip archive and a tar archive alike', async () => {
    writeFolder('folders', files());
    writeFileSync(at('stored.zip'), zipFile(files(), false));
    writeFileSync(at('deflated.zip'), zipFile(files(), true));
    writeFileSync(at('plain.tar'), await tarFile(files()));
    for (const name of ['folders', 'stored.zip', 'deflated.zip', 'plain.tar']) {
      expect(await summary(await openImages(at(name), { within: 'train' }))).toEqual(TRAIN);
    }
  });

  it('are said with their counts, and what lies beside the images too', async () => {
    const names = [
      'cat/1.png',
      'cat/2.png',
      'dog/1.png',
      'dog/a.TXT',
      'dog/b.txt',
      'dog/.c.png',
      'cat/README',
    ];
    const path = writeFolder(
      'beside',
      names.map((name) => [name, Buffer.from('x')]),
    );
    expect(describeSource(await openImages(path))).toEqual([
      `${path}: 3 images in 2 classes: cat 2, dog 1.`,
      'Left out: 1 file .png, which is hidden (dog/.c.png).',
      'Left out: 1 file without extension, which is no image of a known kind (cat/README).',
      'Left out: 2 files .txt, which are no image of a known kind (dog/a.TXT).',
    ]);
  });

  it('may be absent, but not for some of the images', async () => {
    const flat = writeFolder('flat', [['a.png', images[0] as Uint8Array]]);
    expect(await summary(await openImages(flat))).toMatchObject({ labels: [0], classes: ['all'] });
    const mixed = writeFolder('mixed', [
      ['a.png', images[0] as Uint8Array],
      ['dog/b.png', images[1] as Uint8Array],
    ]);
    await expect(openImages(mixed)).rejects.toThrow(/a\.png lies in no class folder/);
  });
});

describe('dataset.json', () => {
  const list = (labels: unknown): Buffer => Buffer.from(JSON.stringify({ labels }));
  const two = (): [string, Uint8Array][] => [
    ['00000/img00000000.png', images[0] as Uint8Array],
    ['00000/img00000001.png', images[1] as Uint8Array],
  ];

  it('labels the images of EDM, and of REPA from beside the latents', async () => {
    const wanted = { labels: [6, 0], classes: ['0', '1', '2', '3', '4', '5', '6'], shades: [10, 20] };
    const pairs = list([
      ['00000/img00000000.png', 6],
      ['00000/img00000001.png', 0],
    ]);
    writeFileSync(at('edm.zip'), zipFile([...two(), ['dataset.json', pairs]], false));
    expect(await summary(await openImages(at('edm.zip')))).toMatchObject(wanted);
    const latents = list([
      ['00000/img-mean-std-00000000.npy', 6],
      ['00000/img-mean-std-00000001.npy', 0],
    ]);
    const repa = (name: string, labels: Buffer): string =>
      writeFolder(name, [
        ...two().map(([file, data]): [string, Uint8Array] => [`images/${file}`, data]),
        ['vae-sd/dataset.json', labels],
      ]);
    expect(await summary(await openImages(repa('repa', latents)))).toMatchObject(wanted);
    expect(await summary(await openImages(repa('repa-old', pairs)))).toMatchObject(wanted);
    await expect(
      openImages(repa('repa-short', list([['00000/img-mean-std-00000000.npy', 6]]))),
    ).rejects.toThrow(/does not list 00000\/img00000001\.png/);
  });

  it('without labels is of one class', async () => {
    const edm = writeFolder('edm-null', [...two(), ['dataset.json', list(null)]]);
    expect(await summary(await openImages(edm))).toMatchObject({ labels: [0, 0], classes: ['all'] });
  });

  it.each([
    ['an image it does not list', [['00000/img00000000.png', 1]], /does not list 00000\/img00000001\.png/],
    [
      'a class that is none',
      { '00000/img00000000.png': -1, '00000/img00000001.png': 0 },
      /the class -1, wanted a class index/,
    ],
    ['no list', 5, /"labels" is no list/],
  ])('is refused with %s', async (_, labels, message) => {
    writeFolder('bad', [...two(), ['dataset.json', list(labels)]]);
    await expect(openImages(at('bad'))).rejects.toThrow(message);
  });
});

describe('WebDataset', () => {
  const sample = (key: string, data: Uint8Array, label: string): [string, Uint8Array][] => [
    [`${key}.png`, data],
    [`${key}.cls`, Buffer.from(label)],
    [`${key}.json`, Buffer.from('{}')],
  ];

  it('is read shard by shard, long names included', async () => {
    const long = `${'folder/'.repeat(30)}one`;
    mkdirSync(at('shards'), { recursive: true });
    writeFileSync(at('shards/b-1.tar'), await tarFile(sample('x', images[2] as Uint8Array, '0\n')));
    writeFileSync(
      at('shards/a-0.tar'),
      await tarFile([
        ...sample(long, images[0] as Uint8Array, '2'),
        ...sample('two', images[1] as Uint8Array, '1'),
      ]),
    );
    expect(await summary(await openImages(at('shards')))).toEqual({
      names: [`a-0.tar/${long}`, 'a-0.tar/two', 'b-1.tar/x'],
      labels: [2, 1, 0],
      classes: ['0', '1', '2'],
      shades: [10, 20, 30],
    });
    expect(await summary(await openImages(at('shards'), { within: 'b-' }))).toMatchObject({ shades: [30] });
  });

  it('names a sample without a class', async () => {
    writeFileSync(
      at('no-class.tar'),
      await tarFile([...sample('x', images[2] as Uint8Array, '0'), ['y.png', images[1] as Uint8Array]]),
    );
    await expect(openImages(at('no-class.tar'))).rejects.toThrow(
      'sample y has no label, wanted a class index',
    );
  });

  it('names a damaged archive', async () => {
    const tar = await tarFile(sample('x', images[2] as Uint8Array, '0'));
    writeFileSync(at('torn.tar'), tar.subarray(0, 600));
    await expect(openTar(at('torn.tar'))).rejects.toThrow(
      /torn\.tar: the archive claims a file of \d+ bytes/,
    );
    const bad = tar.slice();
    bad[150] = 0x39;
    writeFileSync(at('bad.tar'), bad);
    await expect(openTar(at('bad.tar'))).rejects.toThrow(/no tar header at byte 0/);
  });
});

describe('Parquet', () => {
  /** A file as Hugging Face writes it: the image is a struct of its bytes and its path. */
  const write = (name: string, data: readonly Uint8Array[], labels: readonly number[]): void => {
    mkdirSync(dirname(at(name)), { recursive: true });
    const optional = { repetition_type: 'OPTIONAL' } as const;
    parquetWriteFile({
      filename: at(name),
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'image', num_children: 2, ...optional },
        { name: 'bytes', type: 'BYTE_ARRAY', ...optional },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', ...optional },
        { name: 'label', type: 'INT64', ...optional },
      ],
      columnData: [
        { name: 'image', data: data.map((bytes) => ({ bytes, path: 'x.png' })) },
        { name: 'label', data: labels.map(BigInt) },
      ],
      rowGroupSize: 2,
      kvMetadata: [
        {
          key: 'huggingface',
          value: JSON.stringify({ info: { features: { label: { names: ['cat', 'dog'] } } } }),
        },
      ],
    });
  };

  it('gives images and labels over files and row groups', async () => {
    write('hub/data/train-00000-of-00002.parquet', images, [1, 0, 1]);
    write('hub/data/train-00001-of-00002.parquet', images.slice(1, 2), [0]);
    write('hub/data/test-00000-of-00001.parquet', images.slice(2), [1]);
    const source = await openImages(at('hub'), { within: 'train' });
    expect(orderHash(source)).toMatch(/^[0-9a-f]{64}$/);
    expect(await summary(source)).toEqual({
      names: [
        'train-00000-of-00002.parquet/0',
        'train-00000-of-00002.parquet/1',
        'train-00000-of-00002.parquet/2',
        'train-00001-of-00002.parquet/0',
      ],
      labels: [1, 0, 1, 0],
      classes: ['cat', 'dog'],
      shades: [10, 20, 30, 20],
    });
  });

  it('is refused without images and where it is damaged', async () => {
    parquetWriteFile({
      filename: at('odd.parquet'),
      columnData: [{ name: 'text', data: ['a'], type: 'STRING' }],
    });
    await expect(openImages(at('odd.parquet'))).rejects.toThrow(/no column "image" among .*text/);
    const image = [
      { name: 'root', num_children: 1 },
      { name: 'image', type: 'BYTE_ARRAY' as const, repetition_type: 'OPTIONAL' as const },
    ];
    parquetWriteFile({
      filename: at('empty.parquet'),
      schema: image,
      columnData: [{ name: 'image', data: [] }],
    });
    await expect(openImages(at('empty.parquet'))).rejects.toThrow(/empty\.parquet: there are no rows/);
    writeFileSync(at('torn.parquet'), 'PAR1 and no more');
    await expect(openImages(at('torn.parquet'))).rejects.toThrow(
      /torn\.parquet: the Parquet file cannot be read/,
    );
  });
});

describe('openImages', () => {
  it('says what it takes', async () => {
    writeFolder('nothing', [['a.txt', Buffer.from('x')]]);
    await expect(openImages(at('nothing'))).rejects.toThrow(/there are no images, wanted/);
    const bare = writeFolder('bare', [
      ['a/0', images[0] as Uint8Array],
      ['a/1', images[1] as Uint8Array],
      ['a/0.jxl', images[1] as Uint8Array],
    ]);
    await expect(openImages(bare)).rejects.toThrow(
      /2 files without extension, which are no image by name, though the first is a PNG file .* 1 file \.jxl/,
    );
    await expect(openImages(at('nothing/a.txt'))).rejects.toThrow(/is no source of images/);
    await expect(openImages(at('folders'), { within: 'tset' })).rejects.toThrow(
      /no files below tset, wanted one of train, val/,
    );
    writeFileSync(at('torn.zip'), 'PK');
    await expect(openImages(at('torn.zip'))).rejects.toThrow(/torn\.zip: the archive cannot be read/);
  });
});
