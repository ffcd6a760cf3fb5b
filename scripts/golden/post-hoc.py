"""Golden file of apps/train: reconstruction of a power-function average from snapshots, the formulas of Karras et al. 2024 in NumPy.

Needs: pip install numpy. Run: python scripts/golden/post-hoc.py
"""

import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "apps/train/test/models/golden"


def exponent(sigma):
    """Equation 126: the largest root of (g + 1) = sigma^2 (g + 2)^2 (g + 3)."""
    k = sigma**-2.0
    roots = np.roots([1, 7, 16 - k, 12 - k])
    return float(np.real(roots[np.abs(np.imag(roots)) < 1e-9]).max())


def inner(t_a, g_a, t_b, g_b):
    """Equation 145: the integral over [0, min(t_a, t_b)] of the two weight densities' product."""
    t = np.minimum(t_a, t_b)
    return (g_a + 1) * (g_b + 1) * t ** (g_a + g_b + 1.0) / ((g_a + g_b + 1) * t_a ** (g_a + 1.0) * t_b ** (g_b + 1.0))


def coefficients(steps, gammas, step, gamma):
    t, g = np.float64(steps), np.float64(gammas)
    gram = inner(t[:, None], g[:, None], t[None, :], g[None, :])
    wanted = inner(t, g, np.float64(step), np.float64(gamma))
    x = np.linalg.solve(gram, wanted)
    return x / x.sum()


def track(thetas, gamma, steps):
    """Equation 122 and 127: the average after each of `steps`, updated at every step."""
    average, found = 0.0, {}
    for t, theta in enumerate(thetas, start=1):
        beta = (1 - 1 / t) ** (gamma + 1)
        average = beta * average + (1 - beta) * theta
        if t in steps:
            found[t] = average
    return [found[t] for t in steps]


snapshots = [64, 128, 192, 256, 320, 384, 448, 512]
sigmas = [0.05, 0.1]
rng = np.random.default_rng(3)
thetas = np.sin(np.arange(1, 513) / 40) + np.cumsum(rng.standard_normal(512)) * 0.05
cases = []
for sigma, step in [(0.05, 512), (0.075, 512), (0.15, 512), (0.2, 384), (0.03, 512)]:
    used = [t for t in snapshots if t <= step]
    steps = [t for _ in sigmas for t in used]
    gammas = [exponent(s) for s in sigmas for _ in used]
    x = coefficients(steps, gammas, step, exponent(sigma))
    stored = [v for s in sigmas for v in track(thetas, exponent(s), used)]
    (true,) = track(thetas, exponent(sigma), [step])
    cases.append({
        "sigma": sigma,
        "step": step,
        "gamma": exponent(sigma),
        "steps": steps,
        "gammas": gammas,
        "coefficients": [float(v) for v in x],
        "stored": [float(v) for v in stored],
        "reconstructed": float(x @ np.array(stored)),
        "true": float(true),
    })
OUT.mkdir(parents=True, exist_ok=True)
path = OUT / "post-hoc.json"
path.write_text(json.dumps(cases, separators=(",", ":")))
print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")
for case in cases:
    print(case["sigma"], case["step"], case["reconstructed"], case["true"])
