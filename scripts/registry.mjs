/** A local registry of npm packages, without authentication. */
import { join } from 'node:path';
import { runServer } from 'verdaccio';

/**
 * Starts a registry with its packages in `folder`. Missing packages outside the scope `@ahpa` come from `upstream`, the address of
 * another registry; without it there are none.
 */
export async function startRegistry(folder, upstream) {
  const rules = { access: '$all', publish: '$all' };
  const server = await runServer({
    storage: join(folder, 'registry'),
    self_path: folder,
    uplinks: upstream === undefined ? {} : { upstream: { url: upstream } },
    packages: {
      '@ahpa/*': rules,
      '**': upstream === undefined ? rules : { ...rules, proxy: 'upstream' },
    },
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    log: { type: 'stdout', format: 'json', level: 'fatal' },
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const place = `//127.0.0.1:${server.address().port}/`;
  return {
    url: `http:${place}`,
    npmrc: `registry=http:${place}\n${place}:_authToken=anybody\n`,
    close: () => server.close(),
  };
}
