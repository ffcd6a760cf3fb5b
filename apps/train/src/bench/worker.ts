/** This program's side of a benchmark: works when told to on standard input, as `bench/torch_step.py` and `bench/torch_encode.py` do. */

import { createInterface } from 'node:readline';
import { threadsPerOp } from '@ahpa/engine';
import { activeBackend, useTensorFlow } from '@ahpa/libtensorflow';
import type { EncodeSpec } from './encode-spec.ts';
import { encodeWork } from './encode-work.ts';
import type { EvaluateSpec } from './evaluate-spec.ts';
import { evaluateWork } from './evaluate-work.ts';
import type { StepSpec } from './spec.ts';
import { stepWork } from './step-work.ts';
import type { Timing, Work } from './work.ts';

/** Counts the time inside TFE_Execute from now on. */
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

async function workOf(spec: StepSpec | EncodeSpec | EvaluateSpec): Promise<Work> {
  if (spec.work === 'evaluate') return evaluateWork(spec);
  return spec.work === 'encode' ? encodeWork(spec) : stepWork(spec);
}

/** Serves one benchmark over standard input and output until `quit` or the end of input. */
export async function serve(spec: StepSpec | EncodeSpec | EvaluateSpec): Promise<void> {
  await useTensorFlow(spec.work === 'step' ? { threadsPerOp: threadsPerOp() } : {});
  const clock = executeClock();
  const { parameters, kinds } = await workOf(spec);
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
