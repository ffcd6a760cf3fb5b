/** From a configuration's `alignment.router` to a router. */
import type { AhpaConfig } from '../../config/types-alignment.ts';
import type { AlignmentContext } from '../context.ts';
import { fixedRouter } from './fixed.ts';
import { learnedRouter } from './learned.ts';
import { measuredRouter } from './measured.ts';
import type { Router } from './router.ts';

/** The router of an AHPA configuration over its groups. */
export function createRouter({ router, mix }: AhpaConfig, context: AlignmentContext): Router {
  const names = context.groups.map(({ name }) => name);
  switch (router.kind) {
    case 'learned':
      return learnedRouter(router, names, mix === 'gate', context) as unknown as Router;
    case 'measured':
      return measuredRouter(router, names.length, context.seed) as unknown as Router;
    default:
      return fixedRouter(router, names, context.seed);
  }
}
