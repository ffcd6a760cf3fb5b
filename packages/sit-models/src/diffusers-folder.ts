/** Folders of diffusers' `DiTTransformer2DModel`. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DIFFUSERS_CLASS } from '@ahpa/sit-weights';
import { readJson } from '@ahpa/weight-files';

/** The folder of a diffusers transformer: `path` itself, or the `transformer` of a pipeline; undefined where it is neither. */
export function diffusersFolder(path: string): string | undefined {
  return [path, join(path, 'transformer')].find((folder) => {
    const file = join(folder, 'config.json');
    return (
      existsSync(file) &&
      statSync(folder).isDirectory() &&
      readFileSync(file, 'utf8').includes(`"${DIFFUSERS_CLASS}"`)
    );
  });
}

/**
 * The configuration beside the weights of a diffusers model.
 * @throws Error where it cannot be read
 */
export async function readDiffusersConfig(folder: string): Promise<Record<string, unknown>> {
  return (await readJson(join(folder, 'config.json'))) as Record<string, unknown>;
}
