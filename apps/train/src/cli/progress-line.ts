/** The text of a progress line: a label, a bar and formatted numbers, in 80 columns. */

const WINDOW_MS = 30_000;

/** Label, a bar where `fraction` in [0, 1] is given and room is left, and text, in `width` columns. */
export function fitLine(label: string, text: string, fraction: number | undefined, width: number): string {
  const room = Math.min(24, width - 1 - label.length - text.length - 2);
  if (fraction === undefined || room < 6) return `${label} ${text}`.slice(0, width - 1);
  const done = Math.round(Math.min(1, Math.max(0, fraction)) * room);
  return `${label} ${'█'.repeat(done)}${'░'.repeat(room - done)} ${text}`;
}

/** A function of (value, milliseconds) that returns the units a second over the last half minute. */
export function rateMeter(): (value: number, now: number) => number {
  let samples: { value: number; now: number }[] = [];
  return (value, now) => {
    const last = samples.at(-1);
    const first = samples[0] ?? { value, now };
    if (!last || now - last.now >= 1000) {
      samples = [...samples.filter((sample) => now - sample.now <= WINDOW_MS), { value, now }];
    }
    return (value - first.value) / ((now - first.now) / 1000);
  };
}
