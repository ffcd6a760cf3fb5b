/** Type errors of files under one module resolution, as a user's strict compiler reports them. */
import { dirname } from 'node:path';
import ts from 'typescript';

const RESOLUTIONS = {
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
};

/** Errors about missing names; other errors in plain JavaScript concern types, which it cannot declare. */
const NAME_ERRORS = new Set([2305, 2353, 2551, 2554, 2561, 2724]);

/** A compiler host that reads every file once. */
function cachingHost(options) {
  const host = ts.createCompilerHost(options);
  const files = new Map();
  const getSourceFile = (name, ...rest) => {
    if (!files.has(name)) files.set(name, host.getSourceFile(name, ...rest));
    return files.get(name);
  };
  return { ...host, getSourceFile };
}

/**
 * A function from the path of a file to its errors and those of the declarations of `@ahpa` that it leads to, as lines of text. In
 * plain JavaScript only names that do not exist are errors.
 */
export function typeChecker(resolution) {
  const options = {
    ...RESOLUTIONS[resolution],
    ...{ strict: true, noEmit: true, target: ts.ScriptTarget.ES2023 },
    ...{ types: ['node'], allowJs: true, checkJs: true },
  };
  const host = cachingHost(options);
  return (path) => {
    const program = ts.createProgram([path], options, { ...host, getCurrentDirectory: () => dirname(path) });
    const checked = program
      .getSourceFiles()
      .filter(({ fileName }) => fileName === path || fileName.includes('/@ahpa/'));
    const found = [
      ...program.getOptionsDiagnostics(),
      ...checked.flatMap((file) => [
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]),
    ];
    return found
      .filter(({ code }) => path.endsWith('.ts') || NAME_ERRORS.has(code))
      .map((error) => ts.formatDiagnostic(error, { ...host, getCurrentDirectory: () => dirname(path) }));
  };
}
