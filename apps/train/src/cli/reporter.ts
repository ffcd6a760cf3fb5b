/** The only place that writes to the terminal: messages, progress, and one JSON document for `--json`. */
import {
  type Progress,
  type ProgressFormat,
  plainFormat,
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
  /** Only warnings and the JSON document. */
  readonly quiet?: boolean;
  /** Stream of text; default standard output, or standard error with `json`. */
  readonly stream?: NodeJS.WriteStream;
  /** Stream of the JSON document; default standard output. */
  readonly output?: NodeJS.WritableStream;
}

/**
 * The reporter of commands. Messages stand above a bar that is being drawn; warnings are shown even when quiet, on standard error;
 * progress is a bar on a terminal and plain lines elsewhere.
 */
export interface Reporter extends ReporterPort {
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
    if (bar) bar.log(text);
    else target.write(`${text}\n`);
  };
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    say: (text) => quiet || write(stream, text),
    warn: (text) => write(errors, text),
    progress: (label, total, format = plainFormat) => {
      close();
      if (quiet) return { update: () => undefined, stop: () => undefined };
      if (stream.isTTY) bar = terminalBar(stream, total);
      const draw = bar?.draw ?? ((line: string) => stream.write(`${line}\n`));
      const width = Math.min(WIDTH, stream.columns ?? WIDTH);
      const every = bar ? REDRAW_MS : PLAIN_LINE_MS;
      return follow({ label, total, format, draw, width, every, bar: bar !== undefined, close });
    },
    result: (document) => {
      if (!json) return;
      if (printed)
        throw new Error('a second JSON document was about to be printed: report one result a command');
      printed = true;
      output.write(`${JSON.stringify(document, null, 2)}\n`);
    },
    close,
  };
}

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
