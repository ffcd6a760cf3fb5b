/** Converts a PyTorch training checkpoint whole: weights, their average and the moments of the optimizer. */
import { userError } from '@ahpa/messages';
import { type Known, type Network, readState, writeState } from '@ahpa/sit-weights';
import { type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import type { Converted, ConvertRequest } from './conversion.ts';
import { type FilePart, readTraining } from './file-parts.ts';
import { toKnown } from './known-sizes.ts';
import { countParameters } from './tensor-counts.ts';

/**
 * A training checkpoint as one safetensors file: `model.`, `ema.`, `exp_avg.`, `exp_avg_sq.` before the names.
 * @throws Error where the output is no .safetensors file, or a part has unexpected tensors and `dropUnknown` is not set
 */
export async function convertTraining(request: ConvertRequest): Promise<Converted> {
  const { input, output } = request;
  if (!output.endsWith('.safetensors')) {
    throw userError(`A whole checkpoint becomes one file: end ${output} in .safetensors.`);
  }
  const { parts, updates, steps } = await readTraining(input);
  const tensors: Record<string, TensorEntry> = {};
  const left: string[] = [];
  let network: Network | undefined;
  let parameters = 0;
  for (const own of parts) {
    const known = network ? { network } : toKnown(request);
    const { state, unknown } = readTrainingPart(own, known, request);
    left.push(...unknown.map((name) => `${own.part}.${name}`));
    network ??= state.network;
    for (const [name, tensor] of Object.entries(writeState(state, 'sit')))
      tensors[`${own.part}.${name}`] = tensor;
    if (own.part === 'model') parameters = countParameters(state.trunk);
  }
  const counted = { updates: `${updates}`, ...(steps !== undefined && { steps: `${steps}` }) };
  await writeSafetensors(output, tensors, { format: 'pt', ...counted });
  return { output, source: input, part: 'all', network: network as Network, parameters, left };
}

function readTrainingPart(
  { part, tensors }: FilePart,
  known: Known & { readonly network?: Network },
  { input, dropUnknown }: ConvertRequest,
) {
  const { state, misfits } = readState(tensors, known);
  if (misfits.unknown.length > 0 && !dropUnknown) {
    throw userError(
      `${input}: ${part} holds unknown tensors: ${misfits.unknown.join(', ')} (--drop-unknown leaves them out).`,
    );
  }
  return { state, unknown: misfits.unknown };
}
