/** A local server that speaks the routes of the Hugging Face hub for one repository, and misbehaves where it is told to. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is served, and how. */
export interface HubServer {
  readonly url: string;
  /** Paths that were asked for, with their ranges. */
  readonly requests: string[];
  /** Files of the repository `org/name`. */
  readonly files: Map<string, Buffer>;
  /** Answer everything with this status. */
  status?: number;
  /** Close the connection after so many bytes of a body, so many times. */
  cut?: { after: number; times: number };
  /** Send another byte than the file has. */
  corrupt?: boolean;
  /** Only with this token. */
  token?: string;
  close(): Promise<void>;
}

const LARGE = 1000;

/** The commit changes with the content. */
export const commitOf = (files: ReadonlyMap<string, Buffer>): string => {
  const hash = createHash('sha1');
  for (const [name, bytes] of files) hash.update(name).update(bytes);
  return hash.digest('hex');
};

function entryOf(path: string, bytes: Buffer): object {
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130 };
  return { type: 'file', path, size: bytes.length, oid, ...(bytes.length > LARGE && { lfs }) };
}

function sendFile(
  server: HubServer,
  bytes: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const begin = Number(from ?? 0);
  const end = Math.min(Number(to ?? bytes.length - 1), bytes.length - 1);
  const body = Buffer.from(bytes.subarray(begin, end + 1));
  if (server.corrupt && body.length > 1) body[0] = (body[0] as number) ^ 1;
  response.writeHead(from === undefined ? 200 : 206, {
    'content-length': body.length,
    'content-range': `bytes ${begin}-${end}/${bytes.length}`,
    etag: '"etag"',
  });
  const { cut } = server;
  if (cut && cut.times > 0 && body.length > cut.after) {
    cut.times--;
    response.write(body.subarray(0, cut.after), () => setTimeout(() => response.destroy(), 50));
  } else response.end(body);
}

/** The file that is asked for, or a status and a JSON answer. */
function route(server: HubServer, path: string, authorization = ''): Buffer | readonly [number, object] {
  if (server.status !== undefined) return [server.status, { error: 'told to' }];
  if (server.token !== undefined && authorization !== `Bearer ${server.token}`)
    return [401, { error: 'Invalid credentials' }];
  const commit = commitOf(server.files);
  const [, kind, rest = ''] = /^\/(?:api\/models\/org\/name|org\/name)\/(\w+)\/(.*)$/.exec(path) ?? [];
  const [revision = '', ...parts] = rest.split('/');
  if (kind === undefined || ![commit, 'main', 'v1'].includes(revision)) return [404, { error: 'Not found' }];
  if (kind === 'revision')
    return [200, { _id: '1', id: 'org/name', sha: commit, lastModified: '2026-01-01' }];
  if (kind === 'tree') return [200, [...server.files].map(([name, bytes]) => entryOf(name, bytes))];
  return server.files.get(parts.join('/')) ?? [404, { error: 'Entry not found' }];
}

function answer(server: HubServer, request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '/', server.url).pathname;
  server.requests.push(`${path}${request.headers.range ? ` ${request.headers.range}` : ''}`);
  const found = route(server, path, request.headers.authorization);
  if (found instanceof Buffer) sendFile(server, found, request, response);
  else {
    const [status, value] = found as readonly [number, object];
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(path.includes('/resolve/') && { 'X-Error-Code': 'EntryNotFound' }),
    });
    response.end(JSON.stringify(value));
  }
}

/** Starts a server of these files. */
export async function startHub(files: Readonly<Record<string, Buffer>>): Promise<HubServer> {
  const http = createServer((request, response) => answer(server, request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: HubServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    files: new Map(Object.entries(files)),
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}
