/** What an inspection finds: sizes, networks and problems. */
import { describeForeign, plainNames } from '@ahpa/sit-weights';
import type { TensorEntry } from '@ahpa/weight-files';
import { type KnownSizes, toKnown } from './known-sizes.ts';
import { isFamily, type Recognised, recognise } from './recognise.ts';
import { countValues } from './tensor-counts.ts';
import type { TrainingRecord } from './training-record.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Content of a file or folder. */
export interface Inspection extends Pick<TrainingRecord, 'step' | 'args' | 'moments'> {
  readonly file: string;
  /** Model family, or the kind of file. */
  readonly kind: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Values by the first part of the tensors' names. */
  readonly values: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The networks in it by part; '' where it is one state dict. */
  readonly networks: Readonly<Record<string, Recognised>>;
  /** Values of a PyTorch file that are not read, such as objects of Python classes, by their paths. */
  readonly unread?: readonly string[];
  /** Problems of all networks, with the part, and tensors of a network that is not read; empty where the file is sound. */
  readonly problems: readonly string[];
}

/** Networks of a file, and their problems. */
export type Findings = Pick<Inspection, 'networks' | 'problems'>;

/** Findings of several parts. */
export function joinFindings(findings: readonly Findings[]): Findings {
  return {
    networks: Object.assign({}, ...findings.map((found) => found.networks)),
    problems: findings.flatMap((found) => found.problems),
  };
}

/** The network of a part, where its names are those of SiT's family. */
export function recogniseFamily(part: string, tensors: Tensors, options: KnownSizes): Findings {
  const foreign = describeForeign(plainNames(tensors));
  if (foreign !== undefined) return { networks: {}, problems: [inPart(part, foreign)] };
  if (!isFamily(tensors)) return { networks: {}, problems: [] };
  return findingsOf(part, recognise(tensors, toKnown(options)));
}

/** A network as the findings of its part. */
export const findingsOf = (part: string, network: Recognised): Findings => ({
  networks: { [part]: network },
  problems: network.problems.map((problem) => inPart(part, problem)),
});

const inPart = (part: string, problem: string): string => (part === '' ? problem : `${part}: ${problem}`);

/** Number of tensors and bytes, and values by the first part of the names. */
export function sizes(tensors: Tensors): Pick<Inspection, 'tensors' | 'values' | 'bytes'> {
  const values: Record<string, number> = {};
  let bytes = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const part = name.split('.')[0] as string;
    values[part] = (values[part] ?? 0) + countValues(shape);
    bytes += data.length;
  }
  return { tensors: Object.keys(tensors).length, values, bytes };
}
