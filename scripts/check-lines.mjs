/** Fails when a source file or a function in it is longer than the line budget, one line for each. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const FILE_LINES = 200;
const FUNCTION_LINES = 50;
const GROUPS = ['packages', 'apps', 'tooling'];

/** Exceptions: the maximum number of lines, by file or `file#function`. */
const EXCEPTIONS = {
  'packages/latent-cache/src/writer.ts': 235,
  'packages/libtensorflow/src/eager.ts#createEagerBinding': 90,
  'packages/libtensorflow/src/frozen-graph.ts#openFrozenGraph': 58,
  'packages/libtensorflow/src/graph.ts': 241,
  'packages/libtensorflow/src/graph.ts#createGraph': 111,
  'packages/libtensorflow/src/in-place.ts#inPlaceKernels': 66,
  'packages/libtensorflow/src/session.ts#openSession': 56,
  'packages/libtensorflow/src/trace-function.ts#traceFunction': 63,
  'packages/libtensorflow/src/trace.ts#createTrace': 84,
  'packages/trainer/src/objective.ts#lossAndGradient': 55,
};

/** Paths of the source files of every package, relative to `root`, with forward slashes. */
function sourceFiles(root) {
  const packages = GROUPS.flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => `${group}/${name}/src`) : [],
  );
  return packages
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true })
        .filter((file) => /\.[cm]?[jt]s$/.test(file))
        .map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
    )
    .sort();
}

function nameOf(node, line) {
  const named = node.name ?? (ts.isCallExpression(node.parent) ? undefined : node.parent.name);
  return named?.getText() ?? `line ${line + 1}`;
}

/** Name and number of lines of every function in a file, each from its first token to its last. */
function measureFunctions(source) {
  const lineAt = (position) => source.getLineAndCharacterOfPosition(position).line;
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const first = lineAt(node.getStart(source));
      found.push({ name: nameOf(node, first), lines: lineAt(node.getEnd()) - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Every file and function of the sources at `root`: `{ name, lines, budget }`. */
function measure(root) {
  return sourceFiles(root).flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const lines = text.trimEnd().split('\n').length;
    const functions = measureFunctions(source).map((part) => ({
      name: `${path}#${part.name}`,
      lines: part.lines,
      budget: FUNCTION_LINES,
    }));
    return [{ name: path, lines, budget: FILE_LINES }, ...functions];
  });
}

/** Files and functions over budget at `root`, and exceptions no longer needed, as lines of text. */
export function checkLines(root, exceptions = EXCEPTIONS) {
  const parts = measure(root);
  const over = parts.flatMap(({ name, lines, budget }) => {
    const most = exceptions[name] ?? budget;
    return lines > most ? [`${name}: ${lines} lines, at most ${most}`] : [];
  });
  const needed = new Set(parts.filter(({ lines, budget }) => lines > budget).map(({ name }) => name));
  const stale = Object.keys(exceptions).filter((name) => !needed.has(name));
  return [...over, ...stale.map((name) => `${name}: no longer over budget; remove its exception`)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = checkLines(dirname(dirname(fileURLToPath(import.meta.url))));
  for (const line of wrong) process.stderr.write(`${line}\n`);
  if (wrong.length > 0)
    process.stderr.write('Divide them, or name an exception in scripts/check-lines.mjs.\n');
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
