/** The only place that writes to the terminal: remarks, progress, results, and one JSON document for `--json`; control characters are escaped. */
import {
  type Progress,
  type ProgressFormat,
  plainFormat,
  printable,
  type Reporter as ReporterPort,
} from '@ahpa/messages';
import cliProgress from 'cli-progress';
import { fitLine, rateMeter } from './progress-line.ts';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
const WIDTH = 80;

/** Streams and verbosity of a reporter. */
export interface ReporterOptions {
  /** Standard output carries one JSON document and nothing else; text goes to standard error. */
  readonly json?: boolean;
  /** Only results and warnings. */
  readonly quiet?: boolean;
  /** Stream of text; default standard output, or standard error with `json`. */
  readonly stream?: NodeJS.WriteStream;
  /** Stream of the JSON document; default standard output. */
  readonly output?: NodeJS.WritableStream;
}

/**
 * The reporter of commands. Messages stand above a bar that is being drawn; results and warnings are shown even when quiet, warnings
 * on standard error; progress is a bar on a terminal and plain lines elsewhere. Every message is one line.
 */
export interface Reporter extends ReporterPort {
  /** Prints lines of the command's result, also when quiet. */
  print(...lines: readonly string[]): void;
  /** Prints an error with its stack. */
  trace(stack: string): void;
  /** Prints the command's result with `--json`, once. */
  result(document: unknown): void;
  /** Ends a bar that is still drawn; call it last, also after an error. */
  close(): void;
}

interface Bar {
  draw(line: string): void;
  log(text: string): void;
  stop(): void;
}

/** A reporter for one run of a command. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  const { json = false, quiet = false, output = process.stdout } = options;
  const stream = options.stream ?? (json ? process.stderr : process.stdout);
  const errors = options.stream ?? process.stderr;
  for (const target of [stream, errors, output]) outlive(target);
  let bar: Bar | undefined;
  let printed = false;
  const write = (target: NodeJS.WriteStream, text: string): void => {
    const line = printable(text);
    if (bar) bar.log(line);
    else target.write(`${line}\n`);
  };
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    say: (text) => quiet || write(stream, text),
    warn: (text) => write(errors, text),
    print: (...lines) => {
      if (!(quiet && json)) for (const line of lines) write(stream, line);
    },
    trace: (stack) => {
      for (const line of stack.split('\n')) write(errors, line);
    },
    progress: (label, total, format = plainFormat) => {
      close();
      if (quiet) return { update: () => undefined, stop: () => undefined };
      if (stream.isTTY) bar = terminalBar(stream, total);
      const draw = bar?.draw ?? ((line: string) => stream.write(`${line}\n`));
      const width = Math.min(WIDTH, stream.columns ?? WIDTH);
      const every = bar ? REDRAW_MS : PLAIN_LINE_MS;
      const look = { format, draw, width, every, bar: bar !== undefined };
      return follow({ label: printable(label), total, ...look, close });
    },
    result: (document) => {
      if (!json) return;
      if (printed)
        throw new Error('a second JSON document was about to be printed: report one result a command');
      printed = true;
      output.write(`${printableLines(`${JSON.stringify(document, null, 2)}`)}\n`);
    },
    close,
  };
}

/** Text of several lines with everything but their ends escaped; JSON keeps its meaning. */
const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

const outlived = new WeakSet<NodeJS.WritableStream>();

/** Ignores EPIPE and EIO: a closed pipe or terminal must not end the run. */
function outlive(stream: NodeJS.WritableStream): void {
  if (outlived.has(stream)) return;
  outlived.add(stream);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

interface Task<P> {
  readonly label: string;
  readonly total: number;
  readonly format: ProgressFormat<P>;
  readonly draw: (line: string) => void;
  readonly width: number;
  /** Milliseconds between two drawings. */
  readonly every: number;
  readonly bar: boolean;
  readonly close: () => void;
}

function follow<P>({ label, total, format, draw, width, every, bar, close }: Task<P>): Progress<P> {
  const rate = rateMeter();
  let drawn = Number.NEGATIVE_INFINITY;
  let pending: string | undefined;
  return {
    update: (value, payload) => {
      const now = performance.now();
      const perSecond = rate(value, now);
      const text = format({ value, total, perSecond, secondsLeft: (total - value) / perSecond, payload });
      pending = fitLine(label, text, bar ? value / total : undefined, width);
      if (now - drawn < every) return;
      drawn = now;
      draw(pending);
      pending = undefined;
    },
    stop: () => {
      if (pending !== undefined) draw(pending);
      pending = undefined;
      close();
    },
  };
}

function terminalBar(stream: NodeJS.WriteStream, total: number): Bar {
  const bars = new cliProgress.MultiBar({
    stream,
    format: (_options, _params, payload: { line?: string }) => payload.line ?? '',
    forceRedraw: true,
    linewrap: true,
    gracefulExit: false,
  });
  const bar = bars.create(total, 0, {});
  return {
    draw: (line) => {
      bar.update({ line });
      bars.update();
    },
    log: (text) => {
      bars.log(`${text}\n`);
      bars.update();
    },
    stop: () => bars.stop(),
  };
}
