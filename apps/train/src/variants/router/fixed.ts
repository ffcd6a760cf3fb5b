/** Routers that nobody learns. */
import { fixedRoute, lookUp, oneHotRoute, routeTime, sigmoidRoute } from '@ahpa/dynamic-router';
import { userError } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import type { FixedRouter } from '../../config/types-alignment.ts';
import type { Router } from './router.ts';

/** The router of a configuration over the groups `names`. */
export function fixedRouter(config: FixedRouter, names: readonly string[], seed: number): Router {
  const weigh = weights(config, names);
  const time = 'time' in config ? config.time : 'as-is';
  return {
    init: () => ({}),
    memory: () => ({}),
    route: (_, { t }) => ({ weights: weigh(routeTime(time, t, seed)) }),
  };
}

function weights(config: FixedRouter, names: readonly string[]): (t: tf.Tensor1D) => tf.Tensor2D {
  const groups = names.length;
  switch (config.kind) {
    case 'fixed':
      return (t) => fixedRoute(config.schedule, t, groups);
    case 'sigmoid':
      return (t) => sigmoidRoute(config.slope, config.centre, t, groups);
    case 'one-hot': {
      const group = names.indexOf(config.group);
      if (group < 0)
        throw userError(`alignment.router.group: wanted one of ${names.join(', ')}, got "${config.group}".`);
      return (t) => oneHotRoute(group, t, groups);
    }
    case 'table': {
      const rows = tableRows(config.weights, names);
      return (t) => lookUp(tf.tensor2d(rows), t);
    }
  }
}

/** Rows of sum 1, `[bins][G]`. */
function tableRows(table: Readonly<Record<string, readonly number[]>>, names: readonly string[]): number[][] {
  const columns = names.map((name) => table[name] ?? []);
  const bins = columns[0]?.length ?? 0;
  if (
    Object.keys(table).length !== names.length ||
    bins === 0 ||
    columns.some(({ length }) => length !== bins)
  ) {
    throw userError(
      `alignment.router.weights: wanted as many weights for each of ${names.join(', ')}, got ${Object.entries(
        table,
      )
        .map(([name, { length }]) => `${length} for ${name}`)
        .join(', ')}.`,
    );
  }
  return Array.from({ length: bins }, (_, bin) => {
    const row = columns.map((column) => column[bin] as number);
    const sum = row.reduce((a, b) => a + b, 0);
    if (sum === 0) throw userError(`alignment.router.weights: all are 0 in bin ${bin}, wanted one above.`);
    return row.map((weight) => weight / sum);
  });
}
