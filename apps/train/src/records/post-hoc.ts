/** Post-hoc EMA: least-squares mixtures of stored averages for any width (Karras et al. 2024, section 3.2 and appendix C). */
import { Matrix, solve } from 'ml-matrix';

/** A power-function average: its exponent, and the number of its updates. */
export interface Profile {
  readonly gamma: number;
  readonly updates: number;
}

/**
 * The weights, which sum to 1, of the stored averages in the mixture whose density over the steps of training is nearest to that of
 * `wanted` by least squares. The density of an average at time t is p(s) = (gamma + 1) s^gamma / t^(gamma + 1) on [0, t]; with the
 * products' integrals in A and b the weights solve A x = b.
 */
export function mixture(stored: readonly Profile[], wanted: Profile): number[] {
  const gram = new Matrix(stored.map((a) => stored.map((b) => product(a, b))));
  const target = Matrix.columnVector(stored.map((a) => product(a, wanted)));
  const solution = solve(gram, target).to1DArray();
  const sum = solution.reduce((total, weight) => total + weight, 0);
  return solution.map((weight) => weight / sum);
}

/** Integral of the product of two densities: (g + 1) (h + 1) t^(g + h + 1) / ((g + h + 1) t_g^(g + 1) t_h^(h + 1)), t the earlier time. */
function product(a: Profile, b: Profile): number {
  const [early, late] = a.updates <= b.updates ? [a, b] : [b, a];
  // The powers of the earlier time cancel but for those over the later, which keeps every factor at most 1.
  const ratio = (early.updates / late.updates) ** late.gamma / late.updates;
  return ((a.gamma + 1) * (b.gamma + 1) * ratio) / (a.gamma + b.gamma + 1);
}
