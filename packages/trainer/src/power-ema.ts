/**
 * Power-function averages and their reconstruction after training (Karras et al. 2024, "Analyzing and improving the training dynamics
 * of diffusion models", section 3 and appendix C): an average at time t weighs the parameters of time s by
 *   p(s) = (gamma + 1) s^gamma / t^(gamma + 1)
 */

/** Largest relative width: that of gamma = 0, the plain mean of all steps. */
export const WIDEST_SIGMA: number = 12 ** -0.5;

/**
 * The exponent whose average has relative width `sigma` = sqrt((gamma + 1) / ((gamma + 2)^2 (gamma + 3))), its standard deviation as a
 * share of the run (their eq. 126 solved for gamma).
 * @throws RangeError outside (0, 12^-0.5]
 */
export function stdToExponent(sigma: number): number {
  if (!(sigma > 0 && sigma <= WIDEST_SIGMA)) {
    throw new RangeError(
      `stdToExponent: got a relative width of ${sigma}, wanted one above 0 and at most ${WIDEST_SIGMA}.`,
    );
  }
  const k = sigma ** -2;
  // Newton's method on the cubic from a point right of its largest root, so it falls towards it and never passes it.
  let gamma = 1 / sigma;
  for (let i = 0; i < 100; i++) {
    const value = ((gamma + 7) * gamma + 16 - k) * gamma + 12 - k;
    const next = gamma - value / ((3 * gamma + 14) * gamma + 16 - k);
    if (!(next < gamma)) break;
    gamma = next;
  }
  return Math.max(gamma, 0);
}
