/** `ahpa inspect`: says what a checkpoint or weights file is. */
import { loadCheckpoint } from '@ahpa/checkpoint';
import { readSafetensors, type TensorEntry } from '@ahpa/weight-files';
import { Command } from 'commander';
import type { Reporter } from '../report.ts';
import { perform } from './perform.ts';

/** What a file is. */
export interface Inspection {
  readonly file: string;
  readonly kind: string;
  readonly step?: number;
  readonly tensors: number;
  /** Values by the first part of the tensors' names. */
  readonly values: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The command. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what a checkpoint, features or weights file is, and check it')
    .argument('<file>', 'a .safetensors file')
    .action((file: string, _options: object, command: Command) =>
      perform(command, async (reporter) => {
        const found = await inspect(file);
        describe(found, reporter);
        return found;
      }),
    );
}

/** Reads and checks a file. */
export async function inspect(file: string): Promise<Inspection> {
  const { metadata, tensors } = await readSafetensors(file);
  const summary = { file, tensors: Object.keys(tensors).length, ...sizes(Object.entries(tensors)) };
  const { schema, kind = 'weights' } = metadata;
  if (schema === undefined) return { ...summary, kind, metadata: { ...metadata } };
  const { step, meta } = await loadCheckpoint(file);
  return { ...summary, kind: 'checkpoint', step, metadata: meta };
}

function sizes(tensors: readonly (readonly [string, TensorEntry])[]): Pick<Inspection, 'values' | 'bytes'> {
  const values: Record<string, number> = {};
  for (const [name, { shape }] of tensors) {
    const part = name.split('.')[0] as string;
    values[part] = (values[part] ?? 0) + shape.reduce((product, length) => product * length, 1);
  }
  return { values, bytes: tensors.reduce((sum, [, { data }]) => sum + data.length, 0) };
}

function describe(
  { file, kind, step, tensors, values, bytes, metadata }: Inspection,
  { say }: Reporter,
): void {
  say(`${file}: ${kind}${step === undefined ? '' : ` of step ${step}`}, undamaged as far as it can tell`);
  say(`${tensors} tensors, ${(bytes / 1e6).toFixed(1)} MB`);
  for (const [part, count] of Object.entries(values))
    say(`  ${part.padEnd(16)} ${count.toLocaleString('en')} values`);
  say(JSON.stringify(metadata, null, 2));
}
