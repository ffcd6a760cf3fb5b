/** A router kind: options, requirements on the loss and constructor. */
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

/** A router kind; default `traits`: no requirement on the loss, no gates. */
export function defineRouter<S extends z.ZodRawShape>(
  kind: Omit<RouterKind<S>, 'traits'> & Partial<Pick<RouterKind<S>, 'traits'>>,
): RouterKind<S> {
  return { traits: () => ({ gates: false, needs: 'nothing' }), ...kind };
}

/** Factory of a router with its options, for an alignment. */
export const routerFactory = <S extends z.ZodRawShape>(
  kind: RouterKind<S>,
  written: { readonly [option in keyof S]?: unknown },
): RouterFactory => {
  const options = kind.options.parse(written);
  return { traits: kind.traits(options), create: (context) => kind.create(options, context) };
};
