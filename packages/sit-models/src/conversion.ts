/** Source, target and result of a conversion. */
import type { Network } from '@ahpa/sit-weights';
import type { TrainingParts } from './file-parts.ts';
import type { OpenedModel, OpenOptions } from './open-model-file.ts';

/** Published formats: one file under SiT's names in a convention, or a folder of diffusers. */
export const FORMS = ['repa', 'sit', 'dit', 'diffusers'] as const;

/** A published format. */
export type Form = (typeof FORMS)[number];

/** A model folder of the application itself, as one more format to convert from and into. */
export interface OwnFormat<Own> {
  /** Name of the format for `to`; the default of a folder. */
  readonly form: string;
  /** Opens a model of this format; undefined where `path` is none. */
  open(path: string): Promise<OpenedModel<Own> | undefined>;
  /** Reads the whole state of a training run; undefined where `path` is none. */
  openTraining?(path: string): Promise<TrainingParts | undefined>;
  /** Writes the trunk of a model of any source as a folder of this format. */
  write(folder: string, model: OpenedModel<Own>): Promise<void>;
}

/** Source, target and format of a conversion. */
export interface ConvertRequest extends OpenOptions {
  readonly input: string;
  /** A path that ends in .safetensors, or a folder. */
  readonly output: string;
  /**
   * A published format or the application's; default the source's own convention for a file, and the application's format
   * (diffusers' without one) for a folder.
   */
  readonly to?: string;
  /** Replace an output that exists. */
  readonly force?: boolean;
  /** Output widths of projectors of zeros for `repa`, in place of the heads of the source. */
  readonly zeroProjectors?: readonly number[];
}

/** Result of a conversion. */
export interface Converted {
  readonly output: string;
  readonly source: string;
  readonly part: string;
  /** Prefix that the names of the source's tensors had. */
  readonly prefix?: string;
  readonly network: Network;
  readonly parameters: number;
  /** Tensors of the source that were not written. */
  readonly left: readonly string[];
  /** For `repa`, a sentence on loading the file there. */
  readonly note?: string;
}
