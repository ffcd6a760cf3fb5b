/** What the program writes, byte by byte, to pipes and to a terminal. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { writeSafetensors } from '@ahpa/weight-files';
import { beforeAll, describe, expect, it } from 'vitest';
import { inPackage } from '../../src/files/package-folder.ts';
import { tinyAssignments } from '../tiny.ts';

const MAIN = inPackage('dist/main.mjs');
const home = temporary();
const env = { ...process.env, AHPA_CACHE: join(home, 'cache') };
const hostile = 'cat\u001b[31m\u0007\nforged line\u202e';
const shown = 'cat\\u001b[31m\\u0007\\nforged line\\u202e';

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

const ahpa = (...line: string[]): Promise<Output> =>
  promisify(execFile)(process.execPath, [MAIN, ...line], { env, cwd: home }).catch((error: Output) => error);

/** Whether there is `script`, which runs a command on a terminal. */
const hasScript = ((): boolean => {
  try {
    execFileSync('script', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const controls = (text: string): string[] =>
  text.match(/[\p{Cc}\u202a-\u202e]/gu)?.filter((c) => c !== '\n') ?? [];

describe.skipIf(!existsSync(MAIN))('the built program', () => {
  let data: string[] = [];
  beforeAll(async () => {
    const vae = await writeTinyVae(home);
    const photos = join(home, 'photos');
    await writePhotos(photos);
    cpSync(join(photos, 'train', 'cat'), join(home, 'hostile', hostile), { recursive: true });
    cpSync(join(photos, 'train', 'dog'), join(home, 'hostile', 'dog'), { recursive: true });
    mkdirSync(join(home, 'weights'));
    const tensor = { dtype: 'F32', shape: [1], data: new Uint8Array(4) } as const;
    await writeSafetensors(
      join(home, 'weights', 'keys.safetensors'),
      { [hostile]: tensor },
      { [hostile]: hostile },
    );
    const base = tinyAssignments(vae).filter((one) => !one.startsWith('data.'));
    const images = [
      'data.kind=images',
      `data.path=${join(home, 'hostile')}`,
      'data.size=16',
      'data.threads=0',
    ];
    data = ['--config', 'tiny', '--set', ...base, ...images, 'hierarchy.calibration=4'];
  }, 60_000);

  it('prints the results of a command with --quiet, and nothing else', async () => {
    const [, ...plan] = ['', 'plan', '--no-trial', ...data];
    const loud = await ahpa(...plan);
    const quiet = await ahpa(...plan, '--quiet');
    expect(quiet.stdout).toMatch(/^model {4}\S+ parameters/);
    expect(loud.stdout.endsWith(quiet.stdout)).toBe(true);
    expect(loud.stdout.length).toBeGreaterThan(quiet.stdout.length);
    const trained = await ahpa('train', '--name', 'a', ...data, 'train.steps=1', '--quiet');
    expect(trained.stdout).toMatch(/^Done after 1 steps\. Look at\n {2}samples {6}runs\/a\/samples\n/);
    const sampled = await ahpa('sample', '--run', 'a', '--class', 'dog', '--backend', 'cpu', '--quiet');
    expect(sampled.stdout).toBe('Drew 8 images from step 1 into grid.png.\n');
    expect((await ahpa('runs', '--quiet')).stdout).toMatch(/^run +state .*\na +complete/);
    const both = await ahpa('runs', '--quiet', '--json');
    expect(JSON.parse(both.stdout)).toHaveLength(1);
    expect(both.stderr).toBe('');
  }, 120_000);

  it('says how many classes there are, with names and counts, wherever it reads data or a model', async () => {
    const counted = /2 classes: .*(dog \d+|cat\S+.* \d+).*, (dog \d+|cat)/;
    expect((await ahpa('plan', '--no-trial', ...data)).stdout).toMatch(counted);
    expect((await ahpa('sample', '--run', 'a', '--class', '1', '--backend', 'cpu')).stdout).toMatch(counted);
    const generated = await ahpa('generate', '--run', 'a', '--n', '2', '--backend', 'cpu', '--out', 'g.npz');
    expect(generated.stdout).toMatch(counted);
    expect(generated.stdout).toMatch(/Drawing 2 images of 2 classes: 0 \("/);
    expect((await ahpa('inspect', 'runs/a/checkpoints/0000001.safetensors')).stdout).toMatch(counted);
    expect((await ahpa('extract', ...data, '--out', 'kept')).stdout).toMatch(counted);
    const cache = ['data.kind=cache', 'data.path=kept'];
    const [config, name, set] = data;
    const vae = data.find((one) => one.startsWith('vae=')) as string;
    const line = [config, name, set, vae, ...cache, 'train.backend=cpu'] as string[];
    expect((await ahpa('plan', '--no-trial', ...line)).stdout).toMatch(/^kept: \d+ images in 2 classes: /);
  }, 120_000);

  it('lets no name from a file command the terminal', async () => {
    const lines = [
      ['plan', '--no-trial', ...data],
      ['train', '--name', 'a', ...data, 'train.steps=1'],
      ['sample', '--run', 'a', '--class', '0', '--backend', 'cpu'],
      ['sample', '--run', 'a', '--class', 'c', '--backend', 'cpu', '--verbose'],
      ['inspect', 'weights/keys.safetensors'],
      ['inspect', 'weights/keys.safetensors', '--json'],
      ['train', `--${hostile.replace('\n', '')}`],
      ['sample', '--run', hostile],
    ];
    for (const line of lines) {
      const { stdout, stderr } = await ahpa(...line);
      expect([line[0], controls(stdout + stderr)]).toEqual([line[0], []]);
      expect(stdout + stderr).not.toMatch(/^forged/m);
    }
    expect((await ahpa('inspect', 'weights/keys.safetensors')).stdout).toContain(shown);
    const { stdout } = await ahpa('inspect', 'weights/keys.safetensors', '--json');
    expect(JSON.parse(stdout).metadata).toMatchObject({ [hostile]: hostile });
  }, 120_000);

  it.skipIf(!hasScript)(
    'writes the same escapes on a terminal (where script runs one)',
    () => {
      writeFileSync(
        join(home, 'line.sh'),
        `exec '${process.execPath}' '${MAIN}' sample --run a --class 0 --backend cpu\n`,
      );
      const text = execFileSync('script', ['-qec', `sh ${join(home, 'line.sh')}`, '/dev/null'], {
        env: { ...env, TERM: 'xterm' },
        cwd: home,
        encoding: 'utf8',
      });
      expect(text).toContain(`class 0 ("${shown}")`);
      expect(text).not.toContain('\u001b[31m');
      expect(text).not.toMatch(/^forged/m);
    },
    60_000,
  );

  it('refuses a picture, an output or a page of another format before it begins', async () => {
    const [gif, jpg, pdf] = await Promise.all([
      ahpa('sample', '--run', 'none', '--out', 'x.gif'),
      ahpa('generate', '--run', 'none', '--out', 'x.jpg'),
      ahpa('report', 'none', '--out', 'x.pdf'),
    ]);
    expect(gif.stderr).toBe('error: x.gif ends in ".gif", wanted a picture as .png, .jpg, .jpeg, .webp.\n');
    expect(jpg.stderr).toBe(
      'error: x.jpg ends in ".jpg", wanted a .npz file, or the name of a folder for PNGs.\n',
    );
    expect(pdf.stderr).toBe('error: x.pdf ends in ".pdf", wanted a page as .html or .htm.\n');
  }, 60_000);
});
