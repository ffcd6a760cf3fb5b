/** Places of images in a grid that no picture format, viewer or library refuses. */
import { userError } from '@ahpa/messages';

/** The longest side of a grid in pixels: WebP takes 16,383, and sharp as many pixels as 16,383 squared. */
const LONGEST = 8192;

/** The shortest longer side to which images are reduced so that a grid takes them all. */
const SMALLEST = 16;

/** Images side by side, in rows of `columns`; numbers are pixels unless said. */
export interface GridRequest {
  readonly images: number;
  readonly columns: number;
  /** Of one image. */
  readonly width: number;
  readonly height: number;
  readonly gap: number;
  /** Width that is left free for the labels of rows. */
  readonly gutter: number;
}

/** Corner of an image or of a label. */
export interface Place {
  readonly left: number;
  readonly top: number;
}

/** Sizes and places of a grid. */
export interface GridLayout {
  readonly width: number;
  readonly height: number;
  /** Size that every image is drawn in. */
  readonly tile: { readonly width: number; readonly height: number };
  image(index: number): Place;
  /** The label left of a row; it is as high as a tile. */
  label(row: number): Place;
}

/**
 * Lays out a grid. Images under 128 pixels are enlarged by a whole factor. Rows that are too wide continue in further lines, too many
 * rows stand in blocks side by side, and where that is still too large the images are made smaller.
 * @throws an error the user can fix where they cannot be made small enough
 */
export function layoutGrid(request: GridRequest): GridLayout {
  for (const tile of tileSizes(request)) {
    const layout = placeTiles(request, tile);
    if (layout !== undefined) return layout;
  }
  throw userError(
    `${request.images.toLocaleString('en')} images do not fit into a grid of ${LONGEST} x ${LONGEST} pixels: draw fewer.`,
  );
}

/** Sizes to try, largest first: whole multiples of the image, then smaller ones. */
function* tileSizes({ width, height }: GridRequest): Generator<GridLayout['tile']> {
  const longer = Math.max(width, height);
  for (let factor = Math.max(1, Math.floor(128 / longer)); factor >= 1; factor--)
    yield { width: width * factor, height: height * factor };
  for (let side = longer - 1; side >= SMALLEST; side--)
    yield {
      width: Math.max(1, Math.round((width * side) / longer)),
      height: Math.max(1, Math.round((height * side) / longer)),
    };
}

function placeTiles(
  { images, columns, gap, gutter }: GridRequest,
  tile: GridLayout['tile'],
): GridLayout | undefined {
  const [across, down] = [tile.width + gap, tile.height + gap];
  const most = Math.floor((LONGEST - gap - gutter) / across);
  if (most < 1) return undefined;
  const lines = Math.ceil(columns / most);
  const perLine = Math.ceil(columns / lines);
  const rows = Math.ceil(images / columns);
  const mostRows = Math.floor((LONGEST - gap) / (lines * down));
  if (mostRows < 1) return undefined;
  const blocks = Math.ceil(rows / mostRows);
  const blockRows = Math.ceil(rows / blocks);
  const blockWidth = gutter + perLine * across;
  const width = blocks * blockWidth + gap;
  if (width > LONGEST) return undefined;
  const label = (row: number): Place => ({
    left: Math.floor(row / blockRows) * blockWidth,
    top: gap + (row % blockRows) * lines * down,
  });
  return {
    width,
    height: gap + blockRows * lines * down,
    tile,
    label,
    image: (index) => {
      const { left, top } = label(Math.floor(index / columns));
      const column = index % columns;
      return {
        left: left + gutter + gap + (column % perLine) * across,
        top: top + Math.floor(column / perLine) * down,
      };
    },
  };
}
