/** Runs an example inside a test, with arguments as a command would give them. */
import { vi } from 'vitest';

/** The lines that the example prints; `path` from the folder `examples`. */
export async function runExample(path, ...args) {
  const lines = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => lines.push(line));
  const { argv } = process;
  process.argv = [argv[0], path, ...args];
  try {
    await import(new URL(`../${path}`, import.meta.url).href);
  } finally {
    process.argv = argv;
    log.mockRestore();
  }
  return lines;
}
