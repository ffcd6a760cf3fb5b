/** Columns of Parquet files that hold images and labels, by their schema and the features that Hugging Face writes beside it. */
import { type FileMetaData, parquetSchema } from 'hyparquet';
import { type ColumnOptions, chooseColumn, isLabelName } from './choose-column.ts';

type Schema = ReturnType<typeof parquetSchema>;

interface Feature {
  readonly _type?: unknown;
  readonly names?: unknown;
}

/** Columns of a file. */
export interface ParquetColumns {
  readonly image: string;
  /** Undefined where there are no labels. */
  readonly label: string | undefined;
  /** Names of the classes, where the features have them. */
  readonly classes: readonly string[] | undefined;
  /** Names of all columns. */
  readonly all: readonly string[];
}

function features(
  { key_value_metadata: pairs }: FileMetaData,
  path: string,
): Readonly<Record<string, Feature>> {
  const text = pairs?.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return {};
  try {
    const { info } = JSON.parse(text) as { info?: { features?: Record<string, Feature> } };
    return info?.features ?? {};
  } catch (cause) {
    throw new Error(`${path}: the features beside the schema are not JSON (${(cause as Error).message}).`, {
      cause,
    });
  }
}

const classNames = (feature: Feature | undefined): readonly string[] | undefined =>
  Array.isArray(feature?.names) ? feature.names.map(String) : undefined;

const isNested = ({ children, element }: Schema): boolean =>
  children.length > 0 || element.repetition_type === 'REPEATED';

/** Path of the first column inside another that is named like labels. */
function nestedLabel({ children, path }: Schema): string | undefined {
  for (const child of children) {
    if (path.length > 0 && isLabelName(child.element.name)) return child.path.join('.');
    const inner = nestedLabel(child);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function chooseLabel(
  path: string,
  schema: Schema,
  known: Readonly<Record<string, Feature>>,
  asked?: string,
): string | undefined {
  const columns = schema.children.map(({ element }) => element.name);
  const withNames = columns.filter((name) => classNames(known[name]) !== undefined);
  const candidates =
    withNames.length > 0 && !columns.includes('label') ? withNames : columns.filter(isLabelName);
  const label = chooseColumn({ path, kind: 'label', columns, candidates, asked });
  const column = schema.children.find(({ element }) => element.name === label);
  const nested = column ? (isNested(column) ? column.path.join('.') : undefined) : nestedLabel(schema);
  if (nested === undefined) return label;
  throw new Error(
    `${path}: the column of labels ${nested} is a list or struct, or inside one, wanted an integer or a name for each image: choose another with --label-column (data.labelColumn), or list labels with --labels (data.labels).`,
  );
}

/**
 * The columns of a file.
 * @throws Error where there is no column of images, several may be it or the label, or the label is nested
 */
export function parquetColumns(
  metadata: FileMetaData,
  path: string,
  { imageColumn, labelColumn }: ColumnOptions,
  listed: boolean,
): ParquetColumns {
  const schema = parquetSchema(metadata);
  const known = features(metadata, path);
  const all = schema.children.map(({ element }) => element.name);
  const candidates = schema.children
    .filter(
      ({ element: { name }, children }) =>
        /^(image|img)$/i.test(name) ||
        known[name]?._type === 'Image' ||
        children.some(({ element }) => element.name === 'bytes'),
    )
    .map(({ element }) => element.name);
  const preferred = ['image', 'img'];
  const image = chooseColumn({
    path,
    kind: 'image',
    columns: all,
    candidates,
    asked: imageColumn,
    preferred,
  });
  if (image === undefined)
    throw new Error(
      `${path}: there is no column "image" among ${all.join(', ')}: choose one with --image-column (data.imageColumn).`,
    );
  const label = listed ? undefined : chooseLabel(path, schema, known, labelColumn);
  return { image, label, classes: label === undefined ? undefined : classNames(known[label]), all };
}
