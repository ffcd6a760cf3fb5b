/** Routers from the members in which they differ from the plainest one. */
import type { Router, Tree } from '@ahpa/ports';

/** A router without parameters, state and observations where members are absent. */
export type PartialRouter<P extends Tree, S extends Tree, O extends Tree> = Partial<
  Omit<Router<P, S, O>, 'route'>
> &
  Pick<Router<P, S, O>, 'route'>;

/** The whole router of its own members, absent ones filled in. */
export function completeRouter<P extends Tree = Tree, S extends Tree = Tree, O extends Tree = Tree>(
  own: PartialRouter<P, S, O>,
): Router {
  const whole = {
    init: () => ({}),
    initState: () => ({}),
    observe: () => ({}),
    update: (state: S) => state,
    ...own,
  };
  return whole as unknown as Router;
}
