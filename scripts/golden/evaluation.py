"""Golden values of packages/evaluation: the formulas in NumPy and SciPy, on features that the tests make too."""
import json
from pathlib import Path

import numpy as np
from scipy import linalg, special

OUT = Path(__file__).parents[2] / "packages/evaluation/test/golden"


def test_values(count, seed):
    """testValues of tooling/test-utils: a linear congruential generator in [-1, 1)."""
    state, values = seed, np.empty(count)
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values[i] = state / 2**31 - 1
    return values.astype(np.float32)


def features(rows, columns, seed, shift=0.0):
    """Uniform numbers, each column scaled by 1, 1/2, 1/4 or 1/8 and moved."""
    scale = (0.5 ** (np.arange(columns) % 4)).astype(np.float32)
    return test_values(rows * columns, seed).reshape(rows, columns) * scale + np.float32(shift)


def gaussian(x):
    x = x.astype(np.float64)
    return x.mean(0), np.cov(x, rowvar=False)


def fid(x, y):
    """The ADM evaluator's formula: sqrtm of the product of covariances."""
    (m1, s1), (m2, s2) = gaussian(x), gaussian(y)
    root = linalg.sqrtm(s1 @ s2)
    assert np.isfinite(root).all()
    return float(((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real))


def inception_score(logits, parts):
    logits = logits.astype(np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    scores = []
    for part in np.array_split(p, parts):
        q = part.mean(0, keepdims=True)
        scores.append(np.exp((part * (np.log(part) - np.log(q))).sum(1).mean()))
    return {"value": float(np.mean(scores)), "deviation": float(np.std(scores))}


def imagenet_logits(n):
    """imageNetLogits of the tests: sure of one class per image, up to a few others."""
    i, c = np.mgrid[0:n, 0:1000]
    return ((31 * i + 17 * c + i * c) % 64 / 16 + (c == 7919 * i % 1000) * (8 + i % 5)).astype(np.float32)


def adm_inception_score(logits, split_size=5000):
    """compute_inception_score of the ADM evaluator, in float64: splits of split_size images in order, the last maybe shorter."""
    preds = special.softmax(logits.astype(np.float64), axis=1)
    scores = []
    for i in range(0, len(preds), split_size):
        part = preds[i : i + split_size]
        kl = part * (np.log(part) - np.log(np.expand_dims(np.mean(part, 0), 0)))
        kl = np.mean(np.sum(kl, 1))
        scores.append(np.exp(kl))
    return {"n": len(preds), "splits": len(scores), "value": float(np.mean(scores)), "deviation": float(np.std(scores))}


def precision_recall(reference, samples, k=3):
    def squared(a, b):
        return ((a.astype(np.float64)[:, None] - b.astype(np.float64)[None]) ** 2).sum(-1)

    def radii(x):
        return np.sort(squared(x, x), 1)[:, k]

    between = squared(samples, reference)
    return {
        "precision": float((between <= radii(reference)[None]).any(1).mean()),
        "recall": float((between <= radii(samples)[:, None]).any(0).mean()),
        "radii": radii(reference).tolist(),
    }


def squared_mmd(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    kernel = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    m = len(x)
    off = lambda k: (k.sum() - np.trace(k)) / (m * (m - 1))
    return off(kernel(x, x)) + off(kernel(y, y)) - 2 * kernel(x, y).mean()


def rows(n, size, call):
    """The rows that the tests draw: size of n, from call, in steps of seven."""
    return (call + 7 * np.arange(size)) % n


def kid(x, y, count, size):
    values = [squared_mmd(x[rows(len(x), size, 2 * k)], y[rows(len(y), size, 2 * k + 1)]) for k in range(count)]
    return {"value": float(np.mean(values)), "deviation": float(np.std(values))}


def fd_infinity(reference, x):
    n = len(x)
    sizes = np.linspace(n / 10, n, 15).astype(int)
    distances = [fid(reference, x[rows(n, size, k)]) for k, size in enumerate(sizes)]
    slope, value = np.polyfit(1 / sizes, distances, 1)
    return {"value": float(value), "sizes": sizes.tolist(), "distances": distances}


def bootstrap(reference, a, b, repeats):
    """Resampled distances of a, and of a minus those of b; rows drawn with replacement."""
    n = len(a)
    draws = [(call * 31 + np.arange(n) ** 2) % n for call in range(repeats)]
    first = np.array([fid(reference, a[draw]) for draw in draws])
    second = np.array([fid(reference, b[draw]) for draw in draws])

    def interval(value, values):
        low, high = np.quantile(values - values.mean(), [0.025, 0.975])
        return {"value": value, "standardError": float(values.std(ddof=1)), "low": value + low, "high": value + high}

    difference = fid(reference, a) - fid(reference, b)
    apart = first - second
    extreme = (abs(apart - apart.mean()) >= abs(difference)).sum()
    return {
        "single": interval(fid(reference, a), first),
        "paired": {**interval(difference, apart), "pValue": float((extreme + 1) / (repeats + 1))},
    }


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    reference, samples = features(200, 16, 1), features(150, 16, 2, 0.125)
    frechet = {"full": fid(reference, samples)}
    for name, size, d in [("samplesDeficient", 12, 24), ("bothDeficient", 40, 128)]:
        first = features(size if name == "bothDeficient" else 80, d, 3)
        frechet[name] = fid(first, features(size, d, 4, 0.125))
    golden = {
        "frechet": frechet,
        "inceptionScore": inception_score(4 * features(100, 12, 5), 10),
        "inceptionScoreOfAdm": [adm_inception_score(imagenet_logits(n)) for n in (1200, 5000, 6001)],
        "precisionRecall": precision_recall(features(90, 6, 6), features(70, 6, 7, 0.125)),
        "kid": kid(reference, samples, 5, 60),
        "fdInfinity": fd_infinity(reference, samples),
        "bootstrap": bootstrap(reference, samples, features(150, 16, 8), 20),
    }
    (OUT / "figures.json").write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
