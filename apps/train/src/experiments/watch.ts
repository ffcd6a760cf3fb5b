/** Serves a page on this machine alone; browsers load it again when it has changed. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const HOST = '127.0.0.1';
const POLL = `<script>
let seen;
setInterval(async () => {
  const version = await (await fetch('/version')).text();
  if (seen !== undefined && seen !== version) location.reload();
  seen = version;
}, 2000);
</script></body>`;

/** A page being served. */
export interface Watch {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves what `page` gives at each visit; `version` changes when the page would. Port 0 takes a free one. */
export async function servePage(
  page: () => Promise<string>,
  version: () => Promise<string>,
  port: number,
): Promise<Watch> {
  const server = createServer((request, response) => {
    const known = request.url === '/' || request.url === '/version';
    const content =
      request.url === '/version' ? version() : page().then((html) => html.replace('</body>', POLL));
    if (!known) return void response.writeHead(404).end();
    content.then(
      (text) => response.setHeader('content-type', 'text/html; charset=utf-8').end(text),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await listen(server, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections(); // browsers keep theirs open
      }),
  };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, HOST, resolve);
  });
