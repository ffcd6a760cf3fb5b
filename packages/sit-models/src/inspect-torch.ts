/** Inspection of PyTorch files. */
import { type Inspection, joinFindings, recogniseFamily, sizes } from './inspection.ts';
import type { KnownSizes } from './known-sizes.ts';
import { takeInventory } from './torch-content.ts';
import {
  describePrediction,
  evidenceIn,
  readTrainingRecord,
  type TrainingRecord,
} from './training-record.ts';

/** Reads and checks a PyTorch file. @throws Error where it cannot be read or the sizes of a network stay open */
export async function inspectTorch(file: string, options: KnownSizes): Promise<Inspection> {
  const { parts, loose, unread, problems: unreadable } = await takeInventory(file);
  const named = Object.entries(parts).flatMap(([part, tensors]) =>
    Object.entries(tensors).map(
      ([name, tensor]) => [part === '' ? name : `${part}.${name}`, tensor] as const,
    ),
  );
  const record = await readTrainingRecord(file);
  const findings = joinFindings(
    Object.entries(parts).map(([part, tensors]) =>
      recogniseFamily(part, tensors, { ...evidenceIn(record, tensors), ...options }),
    ),
  );
  const prediction = describePrediction(record);
  const problems = [...findings.problems, ...unreadable, ...(prediction === undefined ? [] : [prediction])];
  const family = record.family === 'LightningDiT' ? record.family : Object.values(findings.networks)[0]?.kind;
  const names = Object.keys(parts).filter((part) => part !== '');
  const { family: _, ...counted } = record;
  const summary = {
    file,
    kind: `${kindOfTorch(names, record, named.length)}${family ? `: ${family}` : ''}`,
    ...sizes({ ...Object.fromEntries(named), ...loose }),
    ...counted,
  };
  return { ...summary, metadata: { parts: names }, unread, ...findings, problems };
}

function kindOfTorch(parts: readonly string[], { args }: TrainingRecord, tensors: number): string {
  if (parts.length > 1 || args !== undefined) return 'PyTorch checkpoint';
  return tensors > 0 ? 'PyTorch weights' : 'PyTorch file without a state dict';
}
