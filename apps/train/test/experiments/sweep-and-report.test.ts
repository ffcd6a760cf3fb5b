import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { writeNpy } from '@ahpa/weight-files';
import { beforeAll, describe, expect, it } from 'vitest';
import { estimate, pairedDifference } from '../../src/experiments/paired-difference.ts';
import { probeRun } from '../../src/experiments/probe.ts';
import { readRuns } from '../../src/experiments/read-runs.ts';
import { reportPage } from '../../src/experiments/report-page.ts';
import { runSweep } from '../../src/experiments/sweep.ts';
import { readSweep, sweepRuns } from '../../src/experiments/sweep-file.ts';
import { servePage } from '../../src/experiments/watch.ts';
import { inPackage } from '../../src/files/package-folder.ts';
import { lossPath } from '../../src/records/held-out-loss.ts';
import { listener, tinyAssignments, tinyConfig } from '../tiny.ts';

const home = temporary();
const options = { command: 'ahpa report' };

/** A run on disk whose loss falls to `floor`, with a router that is the same at all times. */
function writeRun(name: string, seed: number, floor: number): string {
  const folder = join(home, 'made', name);
  mkdirSync(folder, { recursive: true });
  const config = tinyConfig('unused', [`train.seed=${seed}`]);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const rows = Array.from({ length: 20 }, (_, i) => ({
    step: i + 1,
    images: 4 * (i + 1),
    seconds: i,
    loss: floor + 1 / (i + 1),
    denoising: floor + 1 / (i + 1),
    alignment: 0.9,
    gradNorm: 1,
    learningRate: 1e-3,
    'group.fine': 0.9,
    route: { t: [0, 1], weights: { fine: [1, 1] } },
    denoisingByTime: [floor, floor + 0.5],
    applied: 1,
  }));
  writeFileSync(join(folder, 'stats.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return folder;
}

const sweepFile = (content: unknown): string => {
  const path = join(home, 'sweep.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
};

describe('comparison of arms', () => {
  it('estimates a mean with the standard error of the mean', () => {
    const { mean, standardError, count } = estimate([1, 2, 4]);
    expect([mean, count]).toEqual([7 / 3, 3]);
    expect(standardError).toBeCloseTo(Math.sqrt(7 / 3 / 3), 12);
    expect(estimate([5]).standardError).toBeUndefined();
    expect(() => estimate([])).toThrow('got no values');
  });

  it('pairs by seed, with the 95 % interval of Student', () => {
    const baseline = new Map([
      [0, 10],
      [1, 20],
      [2, 30],
    ]);
    const arm = new Map([
      [0, 11],
      [1, 22],
      [2, 33],
      [7, 99],
    ]);
    const difference = pairedDifference(arm, baseline);
    expect(difference).toMatchObject({ mean: 2, count: 3 });
    expect(difference?.margin).toBeCloseTo(4.302652729911275 / Math.sqrt(3), 6);
    expect(pairedDifference(new Map([[5, 1]]), baseline)).toBeUndefined();
  });
});

describe('report', () => {
  beforeAll(() => {
    for (const seed of [0, 1, 2]) {
      writeRun(`none.seed${seed}`, seed, 1 + seed);
      writeRun(`ahpa.seed${seed}`, seed, 0.9 + seed + seed / 100);
    }
  });

  it('gathers seeds into arms and compares them pairwise', async () => {
    const page = await reportPage(await readRuns([join(home, 'made')]), options);
    expect(page).toContain('<td>none</td><td>3</td><td>20</td>');
    expect(page).toContain('<b>−0.0900 ± 0.0248</b>'); // differences -0.10, -0.09, -0.08
    expect(page).toContain('Alignment of ahpa, seed 0');
    expect(page.match(/<svg/g)?.length).toBe(3);
  });

  it('shows held-out losses, paired by example, and the figures of the newest card', async () => {
    for (const [name, shift] of [
      ['none.seed0', 0],
      ['ahpa.seed0', -0.25],
    ] as const) {
      const folder = { root: join(home, 'made', name) };
      mkdirSync(join(folder.root, 'evaluation'), { recursive: true });
      const values = Float32Array.from({ length: 40 }, (_, i) => 1 + (i % 7) / 8 + shift);
      await writeNpy(lossPath(folder, 20), {
        dtype: 'F32',
        shape: [4, 10],
        data: new Uint8Array(values.buffer),
      });
      const card = {
        version: 1,
        figures: { 'sqz-fd@8': { value: 100 + shift } },
        reference: {},
        network: {},
      };
      writeFileSync(join(folder.root, 'evaluation', '0000020.card.json'), JSON.stringify(card));
    }
    const page = await reportPage(await readRuns([join(home, 'made')]), options);
    expect(page).toContain('<th>held-out loss</th>');
    expect(page).toContain('<td>−0.2500</td>');
    expect(page).toContain('<td>99.7500</td>');
    expect(page).toContain('paired by example, seed 0');
  });

  it('takes single runs, and the baseline that it is told', async () => {
    const runs = await readRuns([join(home, 'made', 'ahpa.seed1'), join(home, 'made', 'none.seed1')]);
    expect(await reportPage(runs, { ...options, baseline: 'ahpa' })).toContain('minus ahpa');
    await expect(reportPage(runs, { ...options, baseline: 'apha' })).rejects.toThrow(
      'There is no arm "apha": wanted one of ahpa, none',
    );
  });

  it('says what is wrong with a path or with runs that have not begun', async () => {
    await expect(readRuns([join(home, 'nowhere')])).rejects.toThrow('is no run and holds none');
    const empty = join(home, 'empty');
    mkdirSync(empty, { recursive: true });
    writeFileSync(join(empty, 'config.json'), JSON.stringify(tinyConfig('unused')));
    await expect(reportPage(await readRuns([empty]), options)).rejects.toThrow('have reported no step yet');
  });

  it('is served to this machine, with a version that browsers poll', async () => {
    let version = 'one';
    const served = await servePage(
      async () => '<body>page</body>',
      async () => version,
      0,
    );
    try {
      expect(await (await fetch(served.url)).text()).toMatch(/^<body>page<script>/);
      expect(await (await fetch(`${served.url}version`)).text()).toBe('one');
      version = 'two';
      expect(await (await fetch(`${served.url}version`)).text()).toBe('two');
      expect((await fetch(`${served.url}etc/passwd`)).status).toBe(404);
    } finally {
      await served.close();
    }
  });

  it('is drawn once a version, for readers who call this machine by its name, and ends with connections open', async () => {
    let drawn = 0;
    const served = await servePage(
      async () => {
        drawn++;
        throw new Error('no step yet');
      },
      async () => 'one',
      0,
    );
    const { port } = new URL(served.url);
    const ask = (path: string, choice: RequestOptions = {}): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const headers = { host: `127.0.0.1:${port}`, ...choice.headers };
        request({ port, path, ...choice, headers }, resolve)
          .on('error', reject)
          .end();
      });
    const statusOf = async (path: string, choice?: RequestOptions): Promise<number | undefined> =>
      (await ask(path, choice)).statusCode;
    expect(await statusOf('/nowhere')).toBe(404);
    expect(drawn).toBe(0);
    expect([await statusOf('/'), await statusOf('/')]).toEqual([500, 500]);
    expect(drawn).toBe(1);
    expect(await statusOf('/', { headers: { host: 'evil.example' } })).toBe(403);
    expect(await statusOf('/', { headers: { host: `localhost:${port}` } })).toBe(500);
    expect(await statusOf('/', { method: 'POST' })).toBe(405);
    const { headers } = await ask('/version');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
    const silent = connect(Number(port), '127.0.0.1');
    await once(silent, 'connect');
    const ended = once(silent, 'close');
    silent.on('error', () => undefined);
    await served.close();
    await ended;
  });

  const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
    (name) => spawnSync(name, ['--version']).status === 0,
  );
  it.skipIf(browser === undefined)(
    'runs nothing that names of folders and arms hold (in chromium, where it is installed)',
    async () => {
      const hostile = `<script>document.title="owned"<script><img src=x onerror="document.title='owned'">"'&`;
      const name = hostile.replaceAll('/', '');
      writeRun(name, 0, 1);
      writeRun('none.hostile', 0, 2);
      const runs = await readRuns([join(home, 'made', name), join(home, 'made', 'none.hostile')]);
      const page = await reportPage(runs, { ...options, command: `ahpa report ${hostile}` });
      const file = join(home, 'hostile.html');
      const probe = `<script>document.title="owned"</script></body>`; // stopped by the policy alone
      writeFileSync(file, page.replace('</body>', probe));
      const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--dump-dom'];
      const { stdout } = spawnSync(browser as string, [...flags, pathToFileURL(file).href], {
        encoding: 'utf8',
      });
      expect(stdout).toContain('<title>AHPA report</title>');
      expect(stdout).toContain('&lt;script&gt;document.title="owned"');
      expect(page).not.toContain('<img src=x');
    },
    60_000,
  );
});

describe('sweep', () => {
  it('is arms x seeds, seed by seed', () => {
    const arms = { none: { config: ['none'] }, other: { config: ['own.json'], set: ['a=1'] } };
    const sweep = readSweep(sweepFile({ config: ['tiny'], seeds: [3, 5], arms }));
    expect(sweep).toMatchObject({ name: 'sweep', baseline: 'none' });
    const runs = sweepRuns(sweep);
    expect(runs.map(({ name }) => name)).toEqual(['none.seed3', 'other.seed3', 'none.seed5', 'other.seed5']);
    expect(runs[3]).toMatchObject({ config: ['tiny', join(home, 'own.json')], set: ['a=1', 'train.seed=5'] });
  });

  it('refuses a file that is not one', () => {
    expect(() => readSweep(sweepFile({ arms: {} }))).toThrow('arms is empty');
    expect(() => readSweep(sweepFile({ arm: {} }))).toThrow('unknown key "arm", the nearest is "arms"');
    expect(() => readSweep(sweepFile({ baseline: 'x', arms: { none: {} } }))).toThrow(
      'wanted one of the arms none',
    );
    writeFileSync(join(home, 'broken.json'), '{');
    expect(() => readSweep(join(home, 'broken.json'))).toThrow('broken.json is not JSON');
  });

  it('ships files that can be read', () => {
    expect(sweepRuns(readSweep(inPackage('configs/sweeps/tiny.json'))).length).toBe(6);
  });

  it('trains what is missing, names what fails, and goes on', async () => {
    const set = [...tinyAssignments(await writeTinyVae(home)), 'train.steps=2', 'train.checkpointEvery=2'];
    const arms = { none: { config: ['none'] }, broken: { set: ['vae.path=/nowhere'] } };
    const sweep = readSweep(sweepFile({ config: ['tiny'], set, seeds: [0], arms }));
    const how = { runs: join(home, 'runs'), jobs: 2, program: [inPackage('dist/main.mjs')] };
    const { signal } = new AbortController();
    const summary = await runSweep(sweep, { ...how, signal }, listener());
    expect(summary.complete).toEqual(['none.seed0']);
    expect(summary.failed['broken.seed0']).toContain('/nowhere');
    const record = join(summary.folder, 'none.seed0', 'stats.jsonl');
    const first = readFileSync(record, 'utf8');
    expect((await runSweep(sweep, { ...how, signal }, listener())).complete).toEqual(['none.seed0']);
    expect(readFileSync(record, 'utf8')).toBe(first);
    const stopped = await runSweep(sweep, { ...how, signal: AbortSignal.abort() }, listener());
    expect(stopped).toMatchObject({ complete: [], failed: {} });
    const deaf = join(home, 'deaf.mjs');
    const heard = join(home, 'heard');
    const text = `import { writeFileSync } from 'node:fs';
      process.on('SIGTERM', () => writeFileSync(${JSON.stringify(heard)}, String(process.pid)));
      process.stderr.write('up'); setInterval(() => undefined, 1000);`;
    writeFileSync(deaf, text);
    const controller = new AbortController();
    const other = { ...how, runs: join(home, 'deaf-runs'), program: [deaf], jobs: 1, grace: 1000 };
    setTimeout(() => controller.abort(), 2000);
    const killed = await runSweep(sweep, { ...other, signal: controller.signal }, listener());
    expect(killed).toMatchObject({ complete: [], failed: {} });
    expect(() => process.kill(Number(readFileSync(heard, 'utf8')), 0)).toThrow('ESRCH');

    const root = join(summary.folder, 'none.seed0');
    expect(existsSync(join(root, 'checkpoints', '0000002.safetensors'))).toBe(true);

    const extent = { run: root, runs: home, images: 10, batch: 2, bins: 2, seed: 0 };
    const probe = await probeRun(extent, listener());
    expect(probe.targets.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'fine level',
      'mid level',
      'coarse level',
      'mid increment',
      'coarse increment',
    ]);
    expect(probe.targets[0]?.gap.map((row) => row.length)).toEqual([2, 2]);
    expect(await reportPage(await readRuns([root]), options)).toContain('Probe of none.seed0 at step 2');
    await expect(probeRun({ ...extent, images: 8 }, listener())).rejects.toThrow('wanted at least 5');
    expect(await probeRun(extent, listener())).toEqual(probe);
  });
});
