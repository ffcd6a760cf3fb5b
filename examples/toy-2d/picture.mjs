/** The picture of `toy-2d.mjs`: data, samples, and the router's weights over the time. */
import sharp from 'sharp';

const COLORS = ['#e4572e', '#2a7de1']; // of the groups
const SIDE = 360;
const text = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${content}</text>`;

/** A third of the picture under its title. */
function panel(column, title, body) {
  const heading = text(SIDE / 2, 28, title, 'text-anchor="middle" font-size="17"');
  return `<g transform="translate(${column * SIDE}, 0)">${heading}${body}</g>`;
}

/** Points x, y, x, y, ... coloured by their direction from the middle. */
function scatter(values) {
  const dots = Array.from({ length: values.length / 2 }, (_, i) => {
    const [x, y] = values.slice(2 * i, 2 * i + 2);
    const place = `cx="${(SIDE / 2 + 104 * x).toFixed(1)}" cy="${(SIDE / 2 + 29 - 104 * y).toFixed(1)}"`;
    const hue = ((Math.atan2(x, y) * 180) / Math.PI).toFixed(0);
    return `<circle ${place} r="1" fill="hsl(${hue}, 70%, 45%)" fill-opacity="0.5"/>`;
  });
  return dots.join('');
}

/** The weights [times, groups] as curves over the time. */
function curves({ groups, times, weights }) {
  const [left, width, top, height] = [44, SIDE - 68, 52, SIDE - 96];
  const x = (t) => left + t * width;
  const y = (weight) => (top + height * (1 - weight)).toFixed(1);
  const lines = groups.map((name, g) => {
    const at = (i) => weights[i * groups.length + g];
    const line = times.map((t, i) => `${x(t)},${y(at(i))}`).join(' ');
    const label = text(x(0.4), y(at(8)) - 10, name, `fill="${COLORS[g]}" text-anchor="middle"`);
    return `${label}<polyline points="${line}" fill="none" stroke="${COLORS[g]}" stroke-width="3"/>`;
  });
  const end = 'text-anchor="end"';
  const frame = `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="none" stroke="#bbb"/>`;
  const scale = text(left - 8, y(1), 1, end) + text(left - 8, y(0), 0, end);
  const axis =
    text(x(0), top + height + 20, 't = 0, data') + text(x(1), top + height + 20, 't = 1, noise', end);
  return frame + scale + axis + lines.join('');
}

/** Writes the three panels as one PNG. */
export async function writePicture(path, { data, samples, ...router }) {
  const panels = [
    panel(0, 'data', scatter(data)),
    panel(1, 'samples', scatter(samples)),
    panel(2, "the router's weights", curves(router)),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${3 * SIDE}" height="${SIDE}" font-family="sans-serif" font-size="14">
    <rect width="100%" height="100%" fill="white"/>${panels.join('')}</svg>`;
  await sharp(Buffer.from(svg), { density: 108 }).toFile(path);
}
