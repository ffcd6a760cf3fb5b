/** Writes the package of a variant from `templates/variant`, where `.template` keeps npm from taking a file for a package's own. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userError } from '@ahpa/messages';
import { inPackage } from '../files/package-folder.ts';

const NAME = /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/;

/** Makes the folder of a variant package and resolves to it. Refuses names npm refuses, and folders that exist. */
export async function scaffoldVariant(name: string, dir = name.split('/').at(-1) as string): Promise<string> {
  if (!NAME.test(name)) {
    throw userError(
      `"${name}" is no name for a package: wanted lower-case letters, digits, ".", "_" and "-".`,
    );
  }
  if (existsSync(dir)) throw userError(`${dir} exists: name another folder with --dir.`);
  const templates = inPackage('templates/variant');
  await mkdir(dir, { recursive: true });
  for (const file of await readdir(templates)) {
    const text = await readFile(join(templates, file), 'utf8');
    await writeFile(join(dir, file.replace('.template', '')), text.replaceAll('{{name}}', name));
  }
  return dir;
}
