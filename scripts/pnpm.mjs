/** Command that starts pnpm in the version of package.json, also where none is installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const FROM_NPM_RUN =
  /^(npm_(package|lifecycle|execpath|node_execpath|command)|npm_config_(user_agent|npm_version|node_gyp|prefix|local_prefix|global_prefix|package|call)|INIT_CWD)/i;

/** The environment without the variables of `npm run`, which other package managers would read as settings. */
export function environment() {
  const kept = Object.entries(process.env).filter(([name]) => !FROM_NPM_RUN.test(name));
  const quiet = {
    COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
  };
  return { ...Object.fromEntries(kept), ...quiet };
}

/**
 * A pnpm of package.json's major version: a global one, else one through npx. `pnpm` starts it; `around` goes before a
 * command that looks for pnpm on the PATH. (Not `pnpm exec`: a pnpm inside a pnpm checks dependencies, and two of them
 * at once read the half-written state of each other.)
 */
export function findPnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const wanted = packageManager.split('@')[1];
  const { stdout } = spawnSync('pnpm', ['--version'], { cwd: ROOT, env: environment(), encoding: 'utf8' });
  const found = stdout?.trim();
  if (found?.split('.')[0] === wanted.split('.')[0])
    return { name: `pnpm ${found}`, pnpm: ['pnpm'], around: [] };
  const pinned = `pnpm@${wanted}`;
  const around = ['npx', '--yes', '--package', pinned, '--'];
  return { name: `pnpm ${wanted} through npx`, pnpm: ['npx', '--yes', pinned], around };
}
