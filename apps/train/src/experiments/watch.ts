/** Serves a page on this machine alone; browsers load it again when it has changed. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { POLICY, RELOAD } from './page-policy.ts';

const ADDRESS = '127.0.0.1';

/** A page being served. */
export interface Watch {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves what `page` gives, drawn once for each `version`, to browsers that call this machine by its own name. Port 0 takes a free
 * one.
 */
export async function servePage(
  page: () => Promise<string>,
  version: () => Promise<string>,
  port: number,
): Promise<Watch> {
  const draw = oncePerVersion(page, version);
  const contents: Readonly<Record<string, () => Promise<string>>> = {
    '/': async () => (await draw()).replace('</body>', `<script>${RELOAD}</script></body>`),
    '/version': version,
  };
  const server = createServer((request, response) => {
    const refusal = refuse(request, server);
    const content = refusal === undefined ? contents[request.url ?? ''] : undefined;
    if (content === undefined) return void answer(response, refusal ?? 404, '');
    content().then(
      (text) => answer(response, 200, request.method === 'HEAD' ? '' : text),
      (error: Error) => answer(response, 500, `${error.message}\n`, 'text/plain'),
    );
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, port);
  return {
    url: `http://${ADDRESS}:${portOf(server)}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy(); // also those that never asked anything
      }),
  };
}

/** `page`, computed anew when the version has changed. */
function oncePerVersion(page: () => Promise<string>, version: () => Promise<string>): () => Promise<string> {
  let drawn: { readonly version: string; readonly page: Promise<string> } | undefined;
  return async () => {
    const now = await version();
    if (drawn?.version !== now) drawn = { version: now, page: page() };
    return drawn.page;
  };
}

/** The status that refuses a request: of another method than reading, or for another host, as a page elsewhere would make a browser send. */
function refuse({ method, headers }: IncomingMessage, server: Server): number | undefined {
  if (method !== 'GET' && method !== 'HEAD') return 405;
  const hosts = [ADDRESS, 'localhost'].map((name) => `${name}:${portOf(server)}`);
  return hosts.includes(headers.host ?? '') ? undefined : 403;
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/html'): void {
  response
    .writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      ...(status === 405 && { allow: 'GET, HEAD' }),
    })
    .end(text);
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, ADDRESS, resolve);
  });
