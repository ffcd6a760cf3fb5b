import { PassThrough } from 'node:stream';
import { duration, explain, isUserError, shortCount, userError } from '@ahpa/messages';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fitLine, rateMeter } from '../../src/cli/progress-line.ts';
import { createReporter } from '../../src/cli/reporter.ts';
import { trainingFormat } from '../../src/records/training-line.ts';

interface Capture {
  readonly stream: NodeJS.WriteStream;
  text(): string;
}

function capture(isTTY = false, columns?: number): Capture {
  const through = new PassThrough();
  const terminal = { isTTY, columns, cursorTo: () => true, moveCursor: () => true, clearLine: () => true };
  const stream = Object.assign(through, terminal) as unknown as NodeJS.WriteStream;
  const chunks: Buffer[] = [];
  through.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('createReporter', () => {
  it('prints one JSON document to the output and text elsewhere', () => {
    const [text, output] = [capture(), capture()];
    const reporter = createReporter({ json: true, stream: text.stream, output: output.stream });
    reporter.say('hello');
    reporter.result({ step: 3 });
    reporter.close();
    expect(JSON.parse(output.text())).toEqual({ step: 3 });
    expect(text.text()).toBe('hello\n');
    expect(() => reporter.result({})).toThrow('second JSON document');
  });

  it('keeps the JSON document to itself without json', () => {
    const [text, output] = [capture(), capture()];
    createReporter({ stream: text.stream, output: output.stream }).result({ step: 3 });
    expect(text.text() + output.text()).toBe('');
  });

  it('says and draws nothing when quiet, but warns', () => {
    const { stream, text } = capture();
    const reporter = createReporter({ quiet: true, stream });
    reporter.say('hello');
    const task = reporter.progress('Drawing', 3);
    task.update(3, undefined);
    task.stop();
    reporter.warn('careful');
    expect(text()).toBe('careful\n');
  });

  it('writes a line every five seconds without a terminal, the first and the last among them', () => {
    const { stream, text } = capture();
    const task = createReporter({ stream }).progress('Drawing', 100);
    for (let value = 1; value <= 12; value++) {
      task.update(value, undefined);
      vi.advanceTimersByTime(1000);
    }
    task.stop();
    expect(text()).toBe(
      'Drawing 1/100\nDrawing 6/100  ETA 1m34s\nDrawing 11/100  ETA 1m29s\nDrawing 12/100  ETA 1m28s\n',
    );
  });

  it('draws a bar on a terminal, and messages above it', () => {
    const { stream, text } = capture(true, 120);
    const reporter = createReporter({ stream });
    const task = reporter.progress('Drawing', 4);
    task.update(1, undefined);
    reporter.say('a message');
    vi.advanceTimersByTime(1000);
    task.update(4, undefined);
    task.stop();
    reporter.say('done');
    expect(text()).toContain('░');
    expect(text()).toContain('a message\n');
    expect(text()).toMatch(/Drawing █+ 4\/4 {2}ETA 0s/);
    expect(text().endsWith('\ndone\n')).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends a bar that an error left behind', () => {
    const { stream, text } = capture(true, 80);
    const reporter = createReporter({ stream });
    reporter.progress('Drawing', 4).update(1, undefined);
    reporter.close();
    reporter.warn('failed');
    expect(vi.getTimerCount()).toBe(0);
    expect(text().endsWith('\nfailed\n')).toBe(true);
  });

  it('stays within 80 columns and within a narrower terminal', () => {
    for (const columns of [200, 40]) {
      const { stream, text } = capture(true, columns);
      const reporter = createReporter({ stream });
      const task = reporter.progress('Training the model', 400_000, trainingFormat);
      task.update(100_000, { images: 25_600_000, batch: 256, denoising: 1.23456, alignment: 0.5 });
      task.stop();
      const lines = text().split(/[\n\r]|\p{Cc}\[[?\d]*\w/u);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(Math.min(80, columns));
    }
  });
});

describe('progress text', () => {
  it('shows step, images, rate, losses and time left', () => {
    const state = { value: 1200, total: 5000, perSecond: 6.64, secondsLeft: 572 };
    const text = trainingFormat({
      ...state,
      payload: { images: 38_400, batch: 32, denoising: 1.2344, alignment: 0.4012 },
    });
    expect(text).toBe('1200/5000  38.4k img  212 img/s  loss 1.234  align 0.401  ETA 9m32s');
    const first = { value: 1, total: 9, perSecond: Number.NaN, secondsLeft: Number.NaN };
    expect(trainingFormat({ ...first, payload: { images: 4, batch: 4, denoising: 2 } })).toBe(
      '1/9  4 img  loss 2.000',
    );
  });

  it('writes durations and counts shortly', () => {
    expect([42, 59.6, 192, 18_420, 183_600].map(duration)).toEqual([
      '42s',
      '1m00s',
      '3m12s',
      '5h07m',
      '2d03h',
    ]);
    expect([0, 3.25, 950, 999.7, 38_400, 999_600, 812_345, 12_000_000].map(shortCount)).toEqual([
      '0',
      '3.3',
      '950',
      '1.0k',
      '38.4k',
      '1.0M',
      '812k',
      '12.0M',
    ]);
  });

  it('gives the bar the room that is left', () => {
    expect(fitLine('Go', '3/4', 0.75, 80)).toBe(`Go ${'█'.repeat(18)}${'░'.repeat(6)} 3/4`);
    expect(fitLine('Go', 'x'.repeat(90), 0.5, 80)).toHaveLength(79);
    expect(fitLine('Go', '3/4', undefined, 80)).toBe('Go 3/4');
  });

  it('measures the rate over the last half minute, from the first value on', () => {
    const rate = rateMeter();
    expect(rate(1000, 0)).toBeNaN();
    expect(rate(1010, 1000)).toBe(10);
    let now = 1000;
    for (let value = 1012; value <= 1200; value += 2) {
      now += 1000;
      rate(value, now);
    }
    expect(rate(1202, now + 1000)).toBeCloseTo(2, 6);
  });
});

describe('explain', () => {
  const system = (code: string, extra: object = {}): Error =>
    Object.assign(new Error(`${code}: raw`), { code, ...extra });

  it('names what, where and what to do for system errors', () => {
    expect(explain(system('ENOSPC'))).toBe(
      'No space is left on the disk: free some space or choose another folder.',
    );
    expect(explain(system('EACCES', { path: '/runs/a' }))).toContain('Access is denied (/runs/a): ');
    expect(explain(system('ENOENT', { path: 'x.json' }))).toBe(
      'There is no such file or folder (x.json): check the path.',
    );
    expect(explain(system('EROFS'))).toContain('read-only');
  });

  it('finds the cause of a failed download', () => {
    const refused = system('ENOTFOUND', { hostname: 'example.org' });
    const failed = new TypeError('fetch failed', { cause: refused });
    expect(explain(failed)).toBe(
      'The server example.org cannot be reached, its name cannot be resolved: check the network or the proxy (HTTPS_PROXY) and try again.',
    );
    const all = new AggregateError([system('ECONNREFUSED')]);
    expect(explain(new TypeError('fetch failed', { cause: all }))).toContain('the connection was refused');
  });

  it('finds what pip complained about', () => {
    expect(
      explain(new Error('exit code 1\nERROR: No matching distribution found for tensorflow-cpu')),
    ).toContain('pip found no package');
    expect(explain(new Error('error: externally-managed-environment'))).toContain('virtual environment');
    expect(explain(new Error('/usr/bin/python3: No module named pip'))).toContain('pip is not installed');
    expect(explain(new Error('pip: Max retries exceeded with url: /simple'))).toContain('PIP_INDEX_URL');
  });

  it('keeps the message of other errors, in one line', () => {
    expect(explain(userError('Set a.b=c.'))).toBe('Set a.b=c.');
    expect(explain(new Error('first\nsecond'))).toBe('first');
    expect(explain('text')).toBe('text');
    expect(explain(new Error(''))).toBe('An error without a message.');
    expect([isUserError(userError('x')), isUserError(new Error('x'))]).toEqual([true, false]);
  });
});
