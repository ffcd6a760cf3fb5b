import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  describeSource,
  type ImageSource,
  type OpenOptions,
  openImages,
  readClassList,
} from '../src/index.ts';
import { tarFile } from './tar-file.ts';
import { zipFile } from './zip-file.ts';

interface Stored {
  readonly file: string;
  readonly data: string;
}

/** Files and the labels that pyarrow, datasets and webdataset read of them (scripts/golden/image-labels.py). */
const golden = JSON.parse(readFileSync(new URL('./golden/labels.json', import.meta.url), 'utf8')) as {
  readonly parquet: readonly (Stored & { labels: number[]; classes: string[] })[];
  readonly refused: readonly (Stored & { error: string })[];
  readonly metadata: readonly { files: Record<string, string>; labels: Record<string, string | number> }[];
  readonly shards: readonly (Stored & {
    labels: Record<string, string | number>;
    images: Record<string, string>;
  })[];
};

const home = mkdtempSync(join(tmpdir(), 'ahpa-labels-'));

function write(name: string, data: Uint8Array | string): string {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  return path;
}

const stored = ({ file, data }: Stored): string => write(file, Buffer.from(data, 'base64'));

/** Writes files that hold their names; those of `content` hold that. */
function folder(
  name: string,
  files: readonly string[],
  content: Readonly<Record<string, string>> = {},
): string {
  for (const file of files) write(`${name}/${file}`, file);
  for (const [file, text] of Object.entries(content)) write(`${name}/${file}`, text);
  return join(home, name);
}

async function opened<T>(
  path: string,
  options: OpenOptions,
  use: (source: ImageSource) => T,
): Promise<Awaited<T>> {
  const source = await openImages(path, options);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Class of every image by name. */
const byName = (path: string, options: OpenOptions = {}): Promise<Record<string, string>> =>
  opened(path, options, ({ names, labels, classes }) =>
    Object.fromEntries(names.map((name, row) => [name, classes[labels[row] as number] as string])),
  );

const said = (path: string, options: OpenOptions = {}): Promise<string[]> =>
  opened(path, options, describeSource);

const texts = (labels: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, String(label)]));

describe('labels of Parquet files', () => {
  it.each(golden.parquet)('$file are those that pyarrow reads', async (one) => {
    const read = await opened(stored(one), {}, ({ labels, classes }) => ({ labels: [...labels], classes }));
    expect(read).toEqual({ labels: one.labels, classes: one.classes });
  });

  it.each(golden.refused)('$file are refused in one sentence', async (one) => {
    await expect(openImages(stored(one))).rejects.toThrow(new RegExp(one.error));
  });

  it('come from the column that is asked for, or a list', async () => {
    const two = stored(golden.refused.find(({ file }) => file === 'two.parquet') as Stored);
    const fine = { 'two.parquet/0': '0', 'two.parquet/1': '1' };
    expect(await byName(two, { labelColumn: 'fine_label' })).toEqual(fine);
    expect(await byName(two, { labelColumn: 'coarse_label' })).toEqual({ ...fine, 'two.parquet/1': '0' });
    await expect(openImages(two, { labelColumn: 'labels' })).rejects.toThrow(
      'there is no column "labels" among image, fine_label, coarse_label.',
    );
    const list = write(
      'list.json',
      JSON.stringify({
        labels: Object.entries({ ...fine, 'two.parquet/0': 3 }).map(([file, label]) => [file, Number(label)]),
      }),
    );
    expect(await byName(two, { labels: list })).toEqual({ 'two.parquet/0': '3', 'two.parquet/1': '1' });
    await expect(openImages(two, { labels: list, labelColumn: 'fine_label' })).rejects.toThrow(/is no table/);
  });
});

describe('metadata tables', () => {
  it.each(golden.metadata)('give the labels that datasets reads: $labels', async ({ files, labels }) => {
    const name = `table-${Object.keys(files).at(-1)}`;
    for (const [file, data] of Object.entries(files)) write(`${name}/${file}`, Buffer.from(data, 'base64'));
    expect(await byName(join(home, name))).toEqual(texts(labels));
  });

  it('are refused where an image has no row or no label, and rows without an image are counted', async () => {
    const files = ['a.png', 'b.png'];
    const table = (rows: string): string =>
      folder('rows', files, { 'metadata.csv': `file_name,label\n${rows}` });
    await expect(openImages(table('a.png,0\n'))).rejects.toThrow(/no row for 1 of the 2 images \(b\.png\)/);
    await expect(openImages(table('a.png,0\nb.png,\n'))).rejects.toThrow(/b\.png has no label/);
    await expect(openImages(table('a.png,0\nb.png,x\n'))).rejects.toThrow(/b\.png has the class "x"/);
    await expect(openImages(table('a.png,0\nb.png,-1\n'))).rejects.toThrow(/b\.png has the class -1/);
    await expect(openImages(table('a.png,0\na.png,1\nb.png,1\n'))).rejects.toThrow(/lists a\.png twice/);
    await expect(openImages(table('a.png,0\nb.png,1,2\n'))).rejects.toThrow(/no CSV table \(.*line 3/);
    expect(await said(table('a.png,0\nb.png,1\nc.png,1\nd.png,1\n'))).toEqual([
      `${join(home, 'rows')}: 2 images in 2 classes: 0 1, 1 1.`,
      `Labels from column "label" of ${join(home, 'rows')}/metadata.csv.`,
      `${join(home, 'rows')}/metadata.csv lists 2 more files (c.png), not there as images.`,
    ]);
  });

  it('without labels leave them to the folders, aloud', async () => {
    const path = folder('captions', ['x/a.png', 'y/b.png'], {
      'metadata.jsonl': '{"file_name": "x/a.png", "text": "a"}\n{"file_name": "y/b.png", "text": "b"}\n',
    });
    expect((await said(path)).slice(0, 2)).toEqual([
      `${path}: 2 images in 2 classes: x 1, y 1.`,
      `${path}/metadata.jsonl has no column "label" among file_name, text: it is not used.`,
    ]);
    expect(await byName(path, { labelColumn: 'text' })).toEqual({ 'x/a.png': 'a', 'y/b.png': 'b' });
    await expect(openImages(path, { labels: join(path, 'metadata.jsonl') })).rejects.toThrow(
      /no column "label" .*wanted both/,
    );
  });
});

describe('WebDataset', () => {
  it.each(golden.shards)('$file has the labels and images that webdataset reads', async (one) => {
    const path = stored(one);
    const key = (name: string): string => name.slice(one.file.length + 1);
    const labels = await byName(path);
    expect(Object.fromEntries(Object.entries(labels).map(([name, label]) => [key(name), label]))).toEqual(
      texts(one.labels),
    );
    const images = await opened(path, {}, async ({ names, read }) =>
      Promise.all(
        names.map(async (name, row) => [key(name), Buffer.from(await read(row)).toString('base64')]),
      ),
    );
    expect(Object.fromEntries(images)).toEqual(one.images);
  });

  it('says fields and samples that are not read', async () => {
    const cls = stored(golden.shards.find(({ file }) => file === 'cls.tar') as Stored);
    expect(await said(cls)).toEqual([
      `${cls}: 3 images in 2 classes: 0 2, 1 1.`,
      'Images from the .jpg of samples.',
      'Labels from .cls.',
      'Left out: 3 files .png, which are not read, the field depth.png (000.depth.png).',
      'Left out: 3 files .png, which are not read, the field mask.png (000.mask.png).',
      'Left out: 3 files .txt, which are not read, the field txt (000.txt).',
    ]);
    const lone = write(
      'lone.tar',
      await tarFile(['a.png', 'a.cls', 'b.cls'].map((file) => [file, Buffer.from('1')])),
    );
    expect((await said(lone)).at(-1)).toBe(
      'Left out: 1 file .cls, which is of samples without an image (b.cls).',
    );
  });

  it('refuses several images unless one is asked for', async () => {
    const files = ['a.jpg', 'a.png', 'a.cls'].map(
      (file) => [file, Buffer.from(file === 'a.cls' ? '0' : file)] as const,
    );
    const path = write('several.tar', await tarFile(files));
    await expect(openImages(path)).rejects.toThrow(
      'sample a: jpg, png may each be the image: choose one with --image-column (data.imageColumn).',
    );
    const read = await opened(path, { imageColumn: 'png' }, (source) => source.read(0));
    expect(Buffer.from(read).toString()).toBe('a.png');
    await expect(openImages(path, { imageColumn: 'gif' })).rejects.toThrow(
      /no sample has an image in the field gif/,
    );
  });

  it('refuses a mixture of names and indices, and records without a label', async () => {
    const tar = (name: string, files: Record<string, string>): Promise<string> =>
      tarFile(Object.entries(files).map(([file, text]) => [file, Buffer.from(text)])).then((data) =>
        write(name, data),
      );
    const mixed = await tar('mixed.tar', { 'a.png': '', 'a.cls': '1', 'b.png': '', 'b.cls': 'cat' });
    await expect(openImages(mixed)).rejects.toThrow(/sample b has the class "cat"/);
    await tar('records/a.tar', { 'a.png': '', 'a.json': '{"url": "x", "caption": "y"}' });
    await expect(openImages(join(home, 'records'))).rejects.toThrow(
      /sample a has no \.cls, and no label among the keys of \.json \(url, caption\)/,
    );
    expect(await byName(join(home, 'records'), { labelColumn: 'caption' })).toEqual({ 'a.tar/a': 'y' });
  });
});

describe('layouts', () => {
  const split = ['train/a/1.png', 'train/b/1.png', 'val/a/1.png'];

  it('of parts are refused with the remedy', async () => {
    await expect(openImages(folder('split', split))).rejects.toThrow(
      /the folders train, val are parts .* --within train \(data\.within\)/,
    );
    const deep = folder(
      'deep',
      split.map((file) => `photos/${file}`),
    );
    await expect(openImages(deep, { within: 'photos' })).rejects.toThrow(/--within photos\/train /);
    expect(await byName(deep, { within: 'photos/train' })).toEqual({ 'a/1.png': 'a', 'b/1.png': 'b' });
    expect(await byName(folder('likes', ['train/1.png', 'car/1.png']))).toEqual({
      'train/1.png': 'train',
      'car/1.png': 'car',
    });
  });

  it('with a wrapper are entered aloud in archives and refused in folders', async () => {
    const files = ['photos/a/1.png', 'photos/b/1.png', 'READ.txt'];
    await expect(openImages(folder('wrapped', files))).rejects.toThrow(
      /all images lie in photos, which holds the folders a, b: choose it with --within photos/,
    );
    const zip = write(
      'wrapped.zip',
      zipFile(
        files.map((file) => [file, Buffer.from(file)]),
        false,
      ),
    );
    expect(await byName(zip)).toEqual({ 'a/1.png': 'a', 'b/1.png': 'b' });
    expect(await said(zip)).toEqual([
      `${zip}/photos: 2 images in 2 classes: a 1, b 1.`,
      'All images lie in photos, which holds the folders a, b.',
      'Left out: 1 file .txt, which is not in photos (READ.txt).',
    ]);
    const list = JSON.stringify({
      labels: [
        ['a/1.png', 4],
        ['b/1.png', 0],
      ],
    });
    const edm = write(
      'edm.zip',
      zipFile(
        [
          ...files.slice(0, 2).map((file) => [file, Buffer.from(file)] as const),
          ['photos/dataset.json', Buffer.from(list)],
        ],
        false,
      ),
    );
    expect(await byName(edm)).toEqual({ 'a/1.png': '4', 'b/1.png': '0' });
  });

  it('of one class stay one class', async () => {
    expect(await byName(folder('one', ['cat/deep/1.png', 'cat/2.png']))).toEqual({
      'cat/2.png': 'cat',
      'cat/deep/1.png': 'cat',
    });
    expect(await byName(folder('numbered', ['00000/1.png']))).toEqual({ '00000/1.png': '00000' });
  });

  it('with class folders win over archives, and lists of labels elsewhere are said', async () => {
    const path = folder('stray', ['a/1.png', 'b/1.png', 'old.tar', 'stats.parquet', 'b/dataset.json']);
    expect(await byName(path)).toEqual({ 'a/1.png': 'a', 'b/1.png': 'b' });
    expect((await said(path)).slice(1)).toEqual([
      'b/dataset.json is not used: choose its folder with --within b (data.within), or name it with --labels (data.labels).',
      'Left out: 1 file .json, which is no image of a known kind (b/dataset.json).',
      'Left out: 1 file .tar, which is no image of a known kind (old.tar).',
      'Left out: 1 file .parquet, which is no image of a known kind (stats.parquet).',
    ]);
  });

  it('of Parquet files in folders of parts are read, together aloud or one of them', async () => {
    const [first, second] = golden.parquet as unknown as [Stored, Stored];
    write('hub/default/train/0000.parquet', Buffer.from(first.data, 'base64'));
    write('hub/default/test/0000.parquet', Buffer.from(first.data, 'base64'));
    write('hub/_SUCCESS', '');
    const hub = join(home, 'hub');
    expect(await said(hub)).toContain(
      'The Parquet files are of the parts test, train, and all are read: choose one with --within (data.within).',
    );
    expect(Object.keys(await byName(hub, { within: 'test' }))).toEqual(
      [0, 1, 2, 3].map((row) => `default/test/0000.parquet/${row}`),
    );
    await expect(openImages(hub, { within: 'tset' })).rejects.toThrow(
      /no Parquet file or shard is within tset/,
    );
    write('hub/default/train/0001.parquet', Buffer.from(second.data, 'base64'));
    await expect(openImages(hub)).rejects.toThrow(/0001\.parquet has other columns/);
  });
});

describe('classes', () => {
  const classesOf = (path: string, options: OpenOptions = {}) =>
    opened(path, options, ({ classes, labels }) => ({ classes, labels: [...labels] }));

  it('that are numbers are in the order of their values, and may keep another', async () => {
    const path = folder(
      'numbers',
      ['0', '1', '2', '10'].map((name) => `${name}/x.png`),
    );
    expect(await classesOf(path)).toEqual({ classes: ['0', '1', '2', '10'], labels: [0, 1, 3, 2] });
    const old = { path: 'old', names: ['0', '1', '10', '2'] };
    expect(await classesOf(path, { classes: old })).toEqual({ classes: old.names, labels: [0, 1, 2, 3] });
    expect((await said(path))[1]).toMatch(/numbers and in the order of their values; --like and --classes/);
  });

  it('of a list keep their order, and lack none of the source', async () => {
    const path = folder('animals', ['cat/1.png', 'owl/1.png']);
    const lines = await readClassList(write('names.txt', '\uFEFFowl\r\ndog\r\ncat\r\n'));
    expect(await classesOf(path, { classes: lines })).toEqual({
      classes: ['owl', 'dog', 'cat'],
      labels: [2, 0],
    });
    expect(await said(path, { classes: lines })).toEqual([
      `${path}: 2 images in 2 of 3 classes: owl 1, cat 1.`,
      `Classes of ${lines.path}.`,
      'Without an image, but with an index: dog.',
    ]);
    const json = await readClassList(write('names.json', '["dog", "cat"]'));
    await expect(openImages(path, { classes: json })).rejects.toThrow(
      /images of the class owl, which .*names\.json lacks/,
    );
    for (const [name, text] of [
      ['twice.txt', 'a\nb\na\n'],
      ['gap.txt', 'a\n\nb\n'],
      ['none.json', '{}'],
      ['empty.txt', ''],
    ] as const)
      await expect(readClassList(write(name, text))).rejects.toThrow(/wanted class names, each once/);
  });

  it('of a list name indices, which may be sparse', async () => {
    const list = JSON.stringify({ labels: { 'a.png': 0, 'b.png': 5, 'c.png': 999, 'd.png': 0 } });
    const path = folder('sparse', ['a.png', 'b.png', 'c.png'], { 'dataset.json': list });
    const [found, from, absent, none] = await said(path);
    expect([found, absent]).toEqual([
      `${path}: 3 images in 3 of 1000 classes: 0 1, 5 1, 999 1.`,
      `${path}/dataset.json lists 1 more file (d.png), not there as images.`,
    ]);
    expect(from).toBe(`Labels from ${path}/dataset.json.`);
    expect(none).toBe(
      'Without an image, but with an index: 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 985 more.',
    );
    const six = { path: 'six.txt', names: ['a', 'b', 'c', 'd', 'e', 'f'] };
    await expect(openImages(path, { classes: six })).rejects.toThrow(
      /the class index 999, which six\.txt lacks/,
    );
    const all = { path: 'all.txt', names: Array.from({ length: 1000 }, (_, i) => `name ${i}`) };
    expect(await byName(path, { classes: all })).toEqual({
      'a.png': 'name 0',
      'b.png': 'name 5',
      'c.png': 'name 999',
    });
  });
});
