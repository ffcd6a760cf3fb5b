/** Defaults for the members of an alignment. */
import type { Aligned, Alignment, Tree } from '@ahpa/ports';

/** Value of an alignment loss; defaults: `distance` equal to the loss, no observations, no metrics. */
export type PartialAligned<O extends Tree> = Pick<Aligned<O>, 'loss'> & Partial<Aligned<O>>;

/** An alignment; defaults: no parameters, no state, the targets of the batch. */
export type PartialAlignment<
  P extends Tree,
  B extends Tree,
  S extends Tree,
  T extends Tree,
  O extends Tree,
> = Partial<Omit<Alignment<P, B, S, T, O>, 'loss'>> & {
  loss(...inputs: Parameters<Alignment<P, B, S, T, O>['loss']>): PartialAligned<O>;
};

/** The alignment with absent members filled in. */
export function completeAlignment<
  P extends Tree = Tree,
  B extends Tree = Tree,
  S extends Tree = Tree,
  T extends Tree = B,
  O extends Tree = Tree,
>(own: PartialAlignment<P, B, S, T, O>): Alignment {
  const whole = {
    init: () => ({}),
    initState: () => ({}),
    targets: ({ targets }: { readonly targets: B }) => targets,
    update: (state: S) => state,
    ...own,
    loss: (...inputs: Parameters<typeof own.loss>) => {
      const aligned = own.loss(...inputs);
      return { distance: aligned.loss, observed: {}, metrics: {}, ...aligned };
    },
  };
  return whole as unknown as Alignment;
}
