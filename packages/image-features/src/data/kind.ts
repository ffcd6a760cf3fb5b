/** A kind of data as one value: its options, and how it is opened. */
import type { Reporter } from '@ahpa/messages';
import { fraction, section } from '@ahpa/options';
import { z } from 'zod';
import type { DataSource } from './source.ts';

/** A kind of data by name. `S` is the shape of its options, the name itself not included. */
export interface DataKind<K extends string = string, S extends z.ZodRawShape = z.ZodRawShape> {
  readonly kind: K;
  /** Meaning in a phrase. */
  readonly label: string;
  /** Meaning, bounds and default of every option. */
  readonly options: z.ZodObject<S, z.core.$strict>;
  /** Opens data with resolved options. @throws an error the user can fix where they are not there or do not fit. */
  open(options: z.output<z.ZodObject<S>>, reporter: Reporter): Promise<DataSource>;
}

/** A kind of data with the types of its own options. */
export const defineData = <K extends string, S extends z.ZodRawShape>(kind: DataKind<K, S>): DataKind<K, S> =>
  kind;

/** Options of a kind under their discriminator. */
const dataMember = <K extends string, S extends z.ZodRawShape>({ kind, label, options }: DataKind<K, S>) =>
  section({ kind: z.literal(kind).describe(label), ...options.shape });

type Members<D> = {
  -readonly [I in keyof D]: D[I] extends DataKind<infer K, infer S>
    ? ReturnType<typeof dataMember<K, S>>
    : never;
};

/** Schema of the options of any of `kinds`, told apart by `kind`. */
export const dataUnion = <const D extends readonly { readonly kind: string }[]>(kinds: D) => {
  const members = kinds.map((kind) => dataMember(kind as DataKind)) as unknown as [z.ZodObject];
  return z.discriminatedUnion('kind', members) as unknown as z.ZodDiscriminatedUnion<Members<D>>;
};

/** Share of the images that is held out. */
export const holdOut = fraction(
  0,
  'Share of the images that is never trained on; chosen by name, from 0 to below 1.',
);
