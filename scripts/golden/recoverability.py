"""Reference values for packages/recoverability: the same map from the raw data, in NumPy, without second moments.

Needs: pip install numpy
Run:   python scripts/golden/recoverability.py
"""

import json
import math
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "packages/recoverability/test/golden"
PENALTIES = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1]
WIDTHS = [5, 4, 6]
RANK = 4
TAU = 0.02


def test_values(shape, seed):
    """The linear congruential generator of tooling/test-utils (`testValues`), rounded to float32 as there."""
    state, out = seed & 0xFFFFFFFF, []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return np.array(out, np.float32).astype(np.float64).reshape(shape)


def dataset(n, seed):
    latent = test_values([n, 3], seed)
    hidden = [[test_values([n, 6], seed + 10 + 2 * block + bin) for bin in range(2)] for block in range(2)]
    strength = [[1.0, 0.3], [0.6, 0.1]]
    y = test_values([n, 15], seed + 1) * 0.5 + latent @ test_values([3, 15], 900)
    for block in range(2):
        for bin in range(2):
            y = y + strength[block][bin] * hidden[block][bin] @ test_values([6, 15], 901 + 2 * block + bin)
    return latent, hidden, y


def ridge(x, z, penalty):
    energy = (x**2).sum() / x.shape[1]
    design = np.hstack([np.ones([len(x), 1]), x])
    rows = np.sqrt(penalty * energy) * np.hstack([np.zeros([x.shape[1], 1]), np.eye(x.shape[1])])
    return np.linalg.lstsq(np.vstack([design, rows]), np.vstack([z, np.zeros([x.shape[1], z.shape[1]])]), rcond=None)[0]


def predict(x, weights):
    return weights[0] + x @ weights[1:]


def readout(x, z):
    fits = [ridge(x["fit"], z["fit"], penalty) for penalty in PENALTIES]
    best = min(fits, key=lambda w: ((z["dev"] - predict(x["dev"], w)) ** 2).sum())
    error = ((z["evaluation"] - predict(x["evaluation"], best)) ** 2).sum()
    return 1 - error / ((z["evaluation"] - z["evaluation"].mean(0)) ** 2).sum()


def whiten(fit):
    mean = fit.mean(0)
    values, vectors = np.linalg.eigh(np.cov(fit.T, bias=True))
    order = np.argsort(values)[::-1][:RANK]
    return lambda y: (y - mean) @ vectors[:, order] / np.sqrt(values[order])


def increment(below, own):
    candidates = []
    for penalty in PENALTIES:
        weights = ridge(below["fit"], own["fit"], penalty)
        candidates.append(lambda x, w=weights: predict(x, w))
        fitted = predict(below["fit"], weights)
        values, vectors = np.linalg.eigh(np.cov(fitted.T, bias=True))
        vectors = vectors[:, ::-1]
        for share in [1 / 8, 1 / 4, 1 / 2]:
            kept = vectors[:, : max(1, math.floor(vectors.shape[1] * share + 0.5))]
            candidates.append(lambda x, w=weights, k=kept, m=fitted.mean(0): m + (predict(x, w) - m) @ k @ k.T)
    best = min(candidates, key=lambda f: ((own["dev"] - f(below["dev"])) ** 2).sum())
    residual = {part: own[part] - best(below[part]) for part in own}
    energy = (residual["fit"] ** 2).mean(0)
    scaled = {part: values / np.sqrt(np.maximum(energy, 0.1)) for part, values in residual.items()}
    restore = np.sqrt(energy.sum() / (scaled["fit"] ** 2).mean(0).sum())
    return {part: values * restore for part, values in scaled.items()}


def main():
    parts = {"fit": dataset(80, 1), "dev": dataset(40, 101), "evaluation": dataset(50, 201)}
    latent = {part: data[0] for part, data in parts.items()}
    levels, start = [], 0
    for width in WIDTHS:
        map_ = whiten(parts["fit"][2][:, start : start + width])
        levels.append({part: map_(data[2][:, start : start + width]) for part, data in parts.items()})
        start += width
    targets = levels + [increment(levels[i], levels[i + 1]) for i in range(len(levels) - 1)]
    rows = []
    for target in targets:
        r2 = [
            [readout({p: d[1][block][bin] for p, d in parts.items()}, target) for bin in range(2)] for block in range(2)
        ]
        rows.append({"availability": readout(latent, target), "r2": r2})
    ceiling = max([TAU] + [v for row in rows for v in [row["availability"], *np.ravel(row["r2"])]])
    for row in rows:
        row["gap"] = np.clip(1 - np.array(row["r2"]) / ceiling, 0, 1).tolist()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "map.json").write_text(json.dumps({"ceiling": ceiling, "targets": rows}) + "\n")


if __name__ == "__main__":
    main()
