import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '@ahpa/messages';
import { fromFloat32, readWeights, writeSafetensors } from '@ahpa/weight-files';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseFiles, localPath, parseHub } from '../src/index.ts';
import { commitOf, type HubServer, startHub } from './hub-server.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-hub-'));
const vae = join(home, 'vae');
let hub: HubServer;
let test = 0;

const WEIGHTS = 'diffusion_pytorch_model.safetensors';
const contents = (name: string): Buffer => readFileSync(join(vae, name));

beforeAll(async () => {
  mkdirSync(vae);
  const weight = Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i));
  await writeSafetensors(join(vae, WEIGHTS), { weight: fromFloat32(weight, [100, 100], 'F32') }, {});
  writeFileSync(join(vae, 'config.json'), '{"_class_name":"AutoencoderKL"}');
  hub = await startHub({});
});
afterAll(() => hub.close());

beforeEach(() => {
  hub.files.clear();
  for (const name of ['config.json', WEIGHTS]) hub.files.set(name, contents(name));
  hub.files.set('README.md', Buffer.from('not needed'));
  hub.files.set('model.onnx', Buffer.alloc(5000));
  hub.requests.length = 0;
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_TOKEN', '');
  vi.stubEnv('HF_HUB_OFFLINE', '');
  vi.stubEnv('HF_HUB_CACHE', join(home, `cache${test++}`));
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const key of ['status', 'cut', 'corrupt', 'token'] as const) delete hub[key];
});

const cache = (...parts: string[]): string =>
  join(process.env['HF_HUB_CACHE'] as string, 'models--org--name', ...parts);
const fetched = (): string[] => hub.requests.filter((request) => request.includes('/resolve/'));

describe('a name on the hub', () => {
  it('has a repository, a path and a revision', () => {
    expect(parseHub('hf:org/name')).toEqual({ repo: 'org/name', path: '', revision: 'main' });
    expect(parseHub('hf:org/na.me-2/vae/x.pt@refs/pr/1')).toEqual({
      repo: 'org/na.me-2',
      path: 'vae/x.pt',
      revision: 'refs/pr/1',
    });
    for (const wrong of ['hf:name', 'hf:org/../x', 'hf:org/name@', 'hf://org/name', 'hf:org/name/..'])
      expect(() => parseHub(wrong)).toThrow(
        `"${wrong}" does not name a model on the hub, wanted hf:org/name`,
      );
  });

  it('is a path already where it is none', async () => {
    expect(await localPath('some/folder')).toBe('some/folder');
  });
});

describe('the files that are chosen', () => {
  it('are the preferred weights with shards, the config, and a VAE inside', () => {
    const shards = ['model-00001-of-2.safetensors', 'model-00002-of-2.safetensors'];
    const files = [
      'README.md',
      'config.json',
      'model.safetensors.index.json',
      ...shards,
      'pytorch_model.bin',
    ];
    const inner = ['vae/config.json', `vae/${WEIGHTS}`, 'vae/x.bin'];
    expect(chooseFiles([...files, ...inner], '')).toEqual([
      'model.safetensors.index.json',
      ...shards,
      'config.json',
      `vae/${WEIGHTS}`,
      'vae/config.json',
    ]);
    expect(chooseFiles([...files, ...inner], 'vae')).toEqual([`vae/${WEIGHTS}`, 'vae/config.json']);
    expect(chooseFiles(['a/x.pth', 'a/config.json'], 'a/x.pth')).toEqual(['a/x.pth', 'a/config.json']);
    expect(chooseFiles(['README.md'], '')).toEqual([]);
  });
});

describe('a VAE on the hub', () => {
  it('is read as from its folder, once, into the cache that Hugging Face uses', async () => {
    const there = await localPath('hf:org/name', silent);
    expect(there).toBe(cache('snapshots', commitOf(hub.files)));
    expect(await readWeights(there)).toEqual(await readWeights(vae));
    expect(readFileSync(join(there, 'config.json'))).toEqual(contents('config.json'));
    expect(readFileSync(cache('refs/main'), 'utf8')).toBe(commitOf(hub.files));
    expect(readdirSync(there).sort()).toEqual(['config.json', WEIGHTS]);
    expect(lstatSync(join(there, WEIGHTS)).isSymbolicLink()).toBe(true);
    expect(readdirSync(cache('blobs'))).toHaveLength(2);
    const before = fetched().length;
    await localPath('hf:org/name@v1');
    expect(fetched()).toHaveLength(before);
    hub.files.set('config.json', Buffer.from(`${contents('config.json')} `));
    const newer = await localPath('hf:org/name');
    expect(newer).toBe(cache('snapshots', commitOf(hub.files)));
    expect(readdirSync(cache('blobs'))).toHaveLength(3);
  });

  it('may lie in a folder of the repository', async () => {
    for (const name of ['config.json', WEIGHTS]) hub.files.set(`vae/${name}`, contents(name));
    hub.files.delete(WEIGHTS);
    const path = await localPath('hf:org/name/vae');
    expect(readdirSync(path).sort()).toEqual(['config.json', WEIGHTS]);
  });

  it('asks with the token of HF_TOKEN', async () => {
    hub.token = 'hf_test';
    await expect(localPath('hf:org/name')).rejects.toThrow(
      'hf:org/name may not be read (401): org/name does not exist, is private, or asks for its terms to be accepted; set HF_TOKEN',
    );
    vi.stubEnv('HF_TOKEN', 'a word');
    await expect(localPath('hf:org/name')).rejects.toThrow('HF_TOKEN does not begin with hf_');
    vi.stubEnv('HF_TOKEN', 'hf_test');
    expect(existsSync(await localPath('hf:org/name'))).toBe(true);
  });
});

describe('a download that is cut', () => {
  it('goes on where it was', async () => {
    hub.cut = { after: 3000, times: 2 };
    const path = await localPath('hf:org/name');
    expect(readFileSync(join(path, WEIGHTS))).toEqual(contents(WEIGHTS));
    expect(fetched().some((request) => / bytes=[1-9]\d*-/.test(request))).toBe(true);
    expect(readdirSync(cache('blobs')).filter((name) => name.includes('.'))).toEqual([]);
  });

  it('is given up after three tries that bring nothing, and goes on at the next call', async () => {
    hub.cut = { after: 3000, times: 1 };
    const fail = localPath('hf:org/name', silent);
    const stop = setInterval(() => {
      if (hub.cut?.times === 0) hub.cut = { after: 0, times: 99 };
    }, 1);
    await expect(fail).rejects.toThrow();
    clearInterval(stop);
    const [partial] = readdirSync(cache('blobs')).filter((name) => name.endsWith('.incomplete'));
    expect(partial).toBeDefined();
    delete hub.cut;
    const path = await localPath('hf:org/name');
    expect(await readWeights(path)).toEqual(await readWeights(vae));
  });

  it('is checked: content with another hash is deleted', async () => {
    hub.corrupt = true;
    await expect(localPath('hf:org/name')).rejects.toThrow(
      /org\/name\/\S+ arrived with the hash [0-9a-f]+, wanted/,
    );
    expect(readdirSync(cache('blobs'))).toEqual([]);
    delete hub.corrupt;
    await localPath('hf:org/name');
  });
});

describe('what is not there', () => {
  it('is said in a sentence', async () => {
    await expect(localPath('hf:org/other')).rejects.toThrow(
      `There is no org/other with the revision main on ${hub.url}: check the name.`,
    );
    await expect(localPath('hf:org/name@v2')).rejects.toThrow('There is no org/name with the revision v2');
    await expect(localPath('hf:org/name/nowhere')).rejects.toThrow(
      'hf:org/name/nowhere has no weights under a known name; it has config.json, ',
    );
    hub.status = 503;
    await expect(localPath('hf:org/name')).rejects.toThrow(
      /answered 503 for hf:org\/name \(told to.*again later/,
    );
  });
});

describe('without a network', () => {
  it('the cache serves, and says what it lacks', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    await expect(localPath('hf:org/name')).rejects.toThrow(
      'The cache has no weights of hf:org/name, and HF_HUB_OFFLINE is set: fetch it once with a network.',
    );
    expect(hub.requests).toEqual([]);
    vi.stubEnv('HF_HUB_OFFLINE', '');
    const path = await localPath('hf:org/name');
    vi.stubEnv('HF_HUB_OFFLINE', 'true');
    hub.requests.length = 0;
    expect(await localPath('hf:org/name')).toBe(path);
    expect(await localPath(`hf:org/name@${commitOf(hub.files)}`)).toBe(path);
    expect(hub.requests).toEqual([]);
    rmSync(cache('blobs'), { recursive: true });
    await expect(localPath('hf:org/name')).rejects.toThrow('The cache has no weights');
  });

  it('a server that cannot be reached is warned of where the cache serves', async () => {
    const path = await localPath('hf:org/name');
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    const warned: string[] = [];
    const reporter = { ...silent, warn: (text: string) => warned.push(text) };
    expect(await localPath('hf:org/name', reporter)).toBe(path);
    expect(warned).toEqual(['The hub cannot be reached: using hf:org/name as it is in the cache.']);
    await expect(localPath('hf:org/elsewhere')).rejects.toThrow('fetch failed');
  });
});
