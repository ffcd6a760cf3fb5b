/** All kinds of data. */
import type { DataSource } from '@ahpa/image-features';
import { cacheData, type DataKind, dataUnion, imagesData, repaData } from '@ahpa/image-features/options';
import type { Reporter } from '@ahpa/messages';
import type { Resolved } from '@ahpa/options';
import { emojiData } from './emoji.ts';

const KINDS = [emojiData, cacheData, imagesData, repaData] as const;

/** Schema of the options of any kind. */
export const dataOptions = dataUnion(KINDS);

/** Options of any kind. */
export type DataOptions = Resolved<typeof dataOptions>;

/** Opens data by their kind. @throws an error the user can fix where they are not there. */
export function openData(options: DataOptions, reporter: Reporter): Promise<DataSource> {
  const kinds = KINDS as unknown as readonly DataKind[];
  const { open } = kinds.find(({ kind }) => kind === options.kind) as DataKind;
  return open(options, reporter);
}
