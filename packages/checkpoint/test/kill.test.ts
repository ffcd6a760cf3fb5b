import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listCheckpoints, loadLatest, verifyFolder } from '../src/index.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** How many kills: 20, or as the environment says. */
const KILLS = Number(process.env['KILLS'] ?? 20);

const built = existsSync(at('../dist/saver-thread.js'));
if (!built) process.stderr.write('kill tests skipped: the package is not built (npm run build)\n');

/** Runs the target until it ends, is killed or fails as `fault` says. */
async function target(folder: string, until: number, fault: Record<string, string> = {}) {
  const words = ['--import', at('../../../scripts/reliability/faults.mjs'), at('./kill-target.mjs')];
  const child = spawn(process.execPath, [...words, folder, String(until)], {
    env: { ...process.env, FAULT_UNDER: join(folder, '..'), ...fault },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, said } as { code: number | null; signal: string | null; said: string };
}

const place = (): string => join(mkdtempSync(join(tmpdir(), 'kill-')), 'checkpoints');

describe.skipIf(!built)('a killed process', () => {
  test('loses at most an interval at any boundary of a save', async () => {
    const folder = place();
    const log = join(folder, '..', 'log');
    await target(folder, 8);
    await target(folder, 20, { FAULT_LOG: log });
    const lines = readFileSync(log, 'utf8').split('\n');
    const boundaries = lines.filter((line) => line.startsWith('thread:') && !line.includes('log')).length;
    const kinds = new Set(lines.map((line) => line.replace(/^\S+ /, '').replace(/\d{7}/, 'N')));
    expect(kinds.size).toBeGreaterThanOrEqual(12);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = (await loadLatest(folder)).step;
      const number = 1 + Math.floor((kill * boundaries) / KILLS);
      const { signal, said } = await target(folder, 1000, { FAULT_KILL: `thread:${number}` });
      expect([signal, said]).toEqual(['SIGKILL', '']);
      const { step, tensors, skipped } = await loadLatest(folder);
      expect(skipped).toEqual([]);
      expect(step).toBeGreaterThanOrEqual(before);
      expect(new Float32Array(tensors['values']?.data.buffer ?? new ArrayBuffer())[7]).toBe(step);
    }
    const last = (await loadLatest(folder)).step + 4;
    expect(await target(folder, last)).toEqual({ code: 0, signal: null, said: '' });
    expect((await listCheckpoints(folder)).map(({ step }) => step)).toEqual([last - 4, last]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  }, 300_000);

  test.each(['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS'])(
    '%s at any change leaves the checkpoint before',
    async (code) => {
      const folder = place();
      await target(folder, 4);
      for (const change of [1, 2, 3, 4, 5]) {
        const { said, ...ended } = await target(folder, 100, { FAULT_FAIL: `thread:${change}:${code}` });
        expect(ended).toEqual({ code: 1, signal: null });
        expect(said).toContain(`${code}: injected`);
        const { checkpoints } = await verifyFolder(folder);
        expect(checkpoints.length).toBeGreaterThan(0);
        expect(checkpoints.filter(({ problem }) => problem !== undefined)).toEqual([]);
      }
    },
    300_000,
  );
});
