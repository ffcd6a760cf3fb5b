"""Golden file of apps/train: tokens less their ridge prediction from the latent, floored and scaled as RARE does, in NumPy.

Needs: pip install numpy. Run: python scripts/golden/innovation.py
"""

import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "apps/train/test/features/golden"
PENALTY, FLOOR = 1e-3, 0.1


def golden(array):
    return {"shape": list(array.shape), "data": [float(f"{x:.8g}") for x in array.reshape(-1)]}


rng = np.random.default_rng(5)
latents = (rng.standard_normal((40, 3)) * [2, 1, 0.5] + [1, 0, -3]).astype(np.float32).astype(np.float64)
mixed = np.tanh(latents @ rng.standard_normal((3, 4)) * 0.2) + rng.standard_normal((40, 4)) * [0.02, 0.05, 0.3, 3]
white = ((mixed - mixed.mean(0)) / mixed.std(0)).astype(np.float32).astype(np.float64)

# argmin over intercept b and slopes S of sum |w - b - z S|^2 + penalty e |S|^2, e the mean of sum z_i^2: centred, b drops out.
energy = (latents**2).sum(0).mean()
z, w = latents - latents.mean(0), white - white.mean(0)
slopes = np.linalg.solve(z.T @ z + PENALTY * energy * np.eye(3), z.T @ w)
offset = white.mean(0) - latents.mean(0) @ slopes
residual = white - offset - latents @ slopes
variance = residual.var(0)
floored = np.maximum(variance, FLOOR)
scale = np.sqrt(variance.sum() / (variance / floored).sum()) / np.sqrt(floored)
assert variance.min() < FLOOR < variance.max()
content = {"latents": latents, "white": white, "slopes": slopes, "offset": offset, "scale": scale, "tokens": residual * scale}
path = OUT / "innovation.json"
path.write_text(json.dumps({name: golden(array) for name, array in content.items()}, separators=(",", ":")) + "\n")
print(f"{path.name}: {path.stat().st_size} bytes; variances {variance}")
