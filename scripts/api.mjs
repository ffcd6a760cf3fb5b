/**
 * The public surface of every package, kept in its `api.md`. Fails where a report differs from the build, or from the
 * last version without a changeset for the package. `--write` writes the reports.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { publishedPackages } from './packages.mjs';
import { ROOT } from './pnpm.mjs';

const printer = ts.createPrinter({ removeComments: true });

/** Members of inferred zod enums in one order: the compiler's depends on what else it has compiled. */
const sortEnums = (text) =>
  text.replace(/(ZodEnum<\{\n)((?:\s*[^{}]*;\n)+?)(\s*\}>)/g, (_, open, members, close) => {
    const lines = members.split('\n').filter(Boolean).sort();
    return `${open}${lines.join('\n')}\n${close}`;
  });

/**
 * Exports of a declaration file, and the declarations of that file and of the local ones that it imports, as text without comments.
 */
function readDeclarations(file, seen = new Set([file])) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const [names, declarations] = [[], []];
  for (const statement of source.statements) {
    const from = statement.moduleSpecifier?.text;
    const local = from?.startsWith('.') ? resolve(dirname(file), from.replace(/js$/, 'd.ts')) : undefined;
    if (local !== undefined && !seen.has(local)) {
      declarations.push(...readDeclarations(local, seen.add(local)).declarations);
    }
    if (ts.isExportDeclaration(statement) && statement.exportClause?.elements)
      names.push(...statement.exportClause.elements.map(({ name }) => name.text));
    else if (!ts.isImportDeclaration(statement) && !local)
      declarations.push(sortEnums(printer.printNode(ts.EmitHint.Unspecified, statement, source)));
  }
  return { names: names.sort(), declarations: declarations.sort() };
}

/** The report of one entry of a package, as Markdown. */
function reportEntry(entry, file) {
  const { names, declarations } = readDeclarations(file);
  const list = names.map((name) => `- ${name}`).join('\n');
  return `## ${entry}\n\n${list}\n\n\`\`\`ts\n${declarations.join('\n')}\n\`\`\`\n`;
}

/** The report of a package that is built in `folder`; undefined where it has no types. */
export function reportPackage(folder, { name, exports }) {
  const entries = Object.entries(exports).filter(([, target]) => target.types);
  if (entries.length === 0) return undefined;
  const parts = entries.map(([entry, target]) => reportEntry(entry, join(folder, target.types)));
  return [`# Public surface of ${name}\n\nWritten by \`npm run api\`.\n`, ...parts].join('\n');
}

/** Names of the packages in the changesets of the workspace at `root`. */
function namedByChangesets(root) {
  const folder = join(root, '.changeset');
  const texts = readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/^["'](@.+)["']: (?:major|minor|patch)$/gm)].map(([, name]) => name),
    ),
  );
}

/** The report of a package at the commit that made its present version; undefined outside of a repository. */
function lastReport(root, folder) {
  const git = (...words) => spawnSync('git', words, { cwd: root, encoding: 'utf8' });
  const { status, stdout } = git('log', '-1', '--format=%H', '-G"version":', '--', `${folder}/package.json`);
  const commit = stdout?.trim();
  return status === 0 && commit ? git('show', `${commit}:${folder}/api.md`).stdout : undefined;
}

/** Every report of the workspace at `root` that is out of date or needs a changeset, as lines of text. */
export function checkReports(root) {
  const named = namedByChangesets(root);
  return publishedPackages(root).flatMap(({ folder, manifest }) => {
    const report = reportPackage(join(root, folder), manifest);
    if (report === undefined) return [];
    const file = join(root, folder, 'api.md');
    const written = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (written !== report) return [`${folder}/api.md is not what is built; write it by: npm run api`];
    if (named.has(manifest.name) || [written, undefined].includes(lastReport(root, folder))) return [];
    return [`${folder}/api.md changed since the last version; describe it by: npm run changeset`];
  });
}

function writeReports(root) {
  for (const { folder, manifest } of publishedPackages(root)) {
    const report = reportPackage(join(root, folder), manifest);
    if (report !== undefined) writeFileSync(join(root, folder, 'api.md'), report);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) writeReports(ROOT);
  const wrong = checkReports(ROOT);
  for (const line of wrong) process.stderr.write(`${line}\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
