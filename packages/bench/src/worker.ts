/** The worker of a benchmark, a program: `worker SPEC` answers requests on standard input, as the scripts in `python` do. */

import { createInterface } from 'node:readline';
import { threadsPerOp } from '@ahpa/engine';
import { activeBackend, useTensorFlow } from '@ahpa/libtensorflow';
import { explain, printable } from '@ahpa/messages';
import { encodeWork } from './encode-work.ts';
import { evaluateWork } from './evaluate-work.ts';
import type { Spec } from './peer.ts';
import { stepWork } from './step-work.ts';
import type { Timing, Work } from './work.ts';

/** A running sum of the seconds inside TFE_Execute. */
function executeClock(): { seconds: number } {
  const clock = { seconds: 0 };
  const api = activeBackend().eager.native.api as unknown as Record<string, (...args: unknown[]) => unknown>;
  const execute = api['TFE_Execute'] as (...args: unknown[]) => unknown;
  api['TFE_Execute'] = (...args) => {
    const begin = performance.now();
    const result = execute(...args);
    clock.seconds += (performance.now() - begin) / 1000;
    return result;
  };
  return clock;
}

function createWork(spec: Spec): Work {
  if (spec.work === 'evaluate') return evaluateWork(spec);
  return spec.work === 'encode' ? encodeWork(spec) : stepWork(spec);
}

/** Serves one benchmark over standard input and output until `quit` or the end of input. */
async function serve(spec: Spec): Promise<void> {
  await useTensorFlow(spec.work === 'step' ? { threadsPerOp: threadsPerOp() } : {});
  const clock = executeClock();
  const { parameters, kinds } = createWork(spec);
  const answer = (document: unknown): void => void process.stdout.write(`${JSON.stringify(document)}\n`);
  answer({ ready: true, parameters });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, count] = line.split(' ');
    if (command === 'quit') break;
    const run = kinds[command as string] as () => number | Promise<number>;
    const seconds: number[] = [];
    const hostSeconds: number[] = [];
    let value = Number.NaN;
    for (let i = 0; i < Number(count); i++) {
      clock.seconds = 0;
      const begin = performance.now();
      value = await run();
      seconds.push((performance.now() - begin) / 1000);
      hostSeconds.push((seconds.at(-1) as number) - clock.seconds);
    }
    const timing: Timing = { seconds, hostSeconds, value, peakRss: process.resourceUsage().maxRSS * 1024 };
    answer(timing);
  }
}

try {
  await serve(JSON.parse(process.argv[2] as string));
} catch (error) {
  process.stderr.write(`${printable(explain(error))}\n`);
  process.exitCode = 1;
}
