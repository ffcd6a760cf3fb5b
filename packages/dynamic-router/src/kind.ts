/** A kind of router as one value: its options, what it asks of the loss, and how it is created. */
import type { Router, RouterContext, RouterFactory, RouterTraits } from '@ahpa/ports';
import type { z } from 'zod';

/** A router by name. `S` is the shape of its options, the name itself not included. */
export interface RouterKind<S extends z.ZodRawShape = z.ZodRawShape> {
  readonly kind: string;
  /** Meaning and source in a phrase. */
  readonly label: string;
  /** Meaning, bounds, default and source of every option. */
  readonly options: z.ZodObject<S, z.core.$strict>;
  traits(options: z.output<z.ZodObject<S>>): RouterTraits;
  /** @throws RangeError where options and groups do not fit. */
  create(options: z.output<z.ZodObject<S>>, context: RouterContext): Router;
}

/** A router kind; it needs nothing of the loss and has no gates where `traits` is absent. */
export function defineRouter<S extends z.ZodRawShape>(
  kind: Omit<RouterKind<S>, 'traits'> & Partial<Pick<RouterKind<S>, 'traits'>>,
): RouterKind<S> {
  return { traits: () => ({ gates: false, needs: 'nothing' }), ...kind };
}

/** A router with its options, ready to be created by an alignment. */
export const routerFactory = <S extends z.ZodRawShape>(
  kind: RouterKind<S>,
  options: z.output<z.ZodObject<S>>,
): RouterFactory => ({
  traits: kind.traits(options),
  create: (context) => kind.create(options, context),
});
