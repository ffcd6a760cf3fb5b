/** Comparison of the recipe of a cache with the one required. */

const SHOWN = 80;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Differences of `made` from `wanted`, as `path is ..., wanted ...`; keys that only `made` has are ignored. */
export function differences(made: unknown, wanted: unknown, path = ''): string[] {
  if (isObject(made) && isObject(wanted)) {
    return Object.entries(wanted).flatMap(([key, value]) =>
      differences(made[key], value, path === '' ? key : `${path}.${key}`),
    );
  }
  return JSON.stringify(made) === JSON.stringify(wanted)
    ? []
    : [`${path} is ${shown(made)}, wanted ${shown(wanted)}`];
}
