/** Converts a PyTorch training checkpoint whole: weights, their average and the moments of the optimizer. */
import { userError } from '@ahpa/messages';
import {
  assertFits,
  type Known,
  type Network,
  type Reading,
  readState,
  type SitState,
  writeState,
} from '@ahpa/sit-weights';
import { type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import type { Converted, ConvertRequest, OwnFormat } from './conversion.ts';
import { type FilePart, readTraining } from './file-parts.ts';
import { networkMetadata, toKnown } from './known-sizes.ts';
import { assertFree } from './output.ts';
import { positionTensor } from './positions.ts';
import { countParameters } from './tensor-counts.ts';
import { assertDroppable } from './unknown-tensors.ts';

/**
 * A training checkpoint as one safetensors file: `model.`, `ema.`, `exp_avg.`, `exp_avg_sq.` before the names.
 * @throws Error where the output is no .safetensors file, or a part has unexpected tensors and `dropUnknown` is not set
 */
export async function convertTraining<Own>(
  request: ConvertRequest,
  own?: OwnFormat<Own>,
): Promise<Converted> {
  const { input, output } = request;
  if (!output.endsWith('.safetensors')) {
    throw userError(`A whole checkpoint becomes one file: end ${output} in .safetensors.`);
  }
  if (request.zeroProjectors) {
    throw userError('A whole checkpoint keeps its own projectors: leave --projectors or --part all away.');
  }
  const training = (await own?.openTraining?.(input)) ?? (await readTraining(input));
  const { parts, updates, steps } = training;
  const tensors: Record<string, TensorEntry> = {};
  const left = [...(training.left ?? [])];
  let network: Network | undefined = training.network;
  let parameters = 0;
  for (const source of parts) {
    const known = network ? { network } : toKnown({ ...source.known, ...request });
    const { state, unknown } = readTrainingPart(source, known, request);
    left.push(...unknown.map((name) => `${source.part}.${name}`));
    network ??= state.network;
    for (const [name, tensor] of Object.entries(writeState(withPositions(source.part, state), 'sit')))
      tensors[`${source.part}.${name}`] = tensor;
    if (source.part === 'model') parameters = countParameters(state.trunk);
  }
  assertFree(output, 'file', request.force);
  const counted = {
    ...networkMetadata(network as Network),
    updates: `${updates}`,
    ...(steps !== undefined && { steps: `${steps}` }),
  };
  await writeSafetensors(output, tensors, { format: 'pt', ...counted });
  return { output, source: input, part: 'all', network: network as Network, parameters, left };
}

/** The state with its position table, which weights have and moments have not. */
function withPositions(part: string, state: SitState<TensorEntry>): SitState<TensorEntry> {
  if (isMoments(part)) return state;
  return { ...state, positions: state.positions ?? positionTensor(state.network) };
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
  assertDroppable(misfits.unknown, `${input}: ${part}`);
  if (!isMoments(part)) assertComplete({ state, misfits: { ...misfits, unknown: [] } }, `${input}: ${part}`);
  return { state, unknown: misfits.unknown };
}

/** Checks that weights have every tensor; moments lack those that no optimizer of this kind trains. */
function assertComplete(reading: Reading<TensorEntry>, source: string): void {
  try {
    assertFits(reading, source);
  } catch (cause) {
    throw userError((cause as Error).message, { cause });
  }
}

const isMoments = (part: string): boolean => part.startsWith('exp_avg');
