"""Samples by the diffusion of DiT's own repository, for packages/dit-core: DDPM with learned variance, DDIM, guidance of 3 channels.

Needs: pip install torch numpy, and a checkout of github.com/facebookresearch/DiT
Run:   DIT=<checkout> python scripts/golden/dit-diffusion.py
"""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parents[2] / "packages/dit-core/test/golden/diffusion.json"
if "DIT" not in os.environ:
    print(f"{OUT.name}: kept, DIT does not name a checkout of DiT")
    sys.exit()
sys.path.insert(0, os.environ["DIT"])
from diffusion import create_diffusion, gaussian_diffusion  # noqa: E402

SHAPE = (2, 4, 2, 2)


def test_values(shape, seed):
    """The linear congruential generator of tooling/test-utils (`testTensor`)."""
    state, out = seed & 0xFFFFFFFF, []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return torch.tensor(np.array(out, np.float32)).reshape(shape)


def channels_first(seed):
    n, c, h, w = SHAPE
    return test_values((n, h, w, c), seed).permute(0, 3, 1, 2)


def network(x, t, y):
    """Noise and range from x, step and label, all of them in use."""
    gain = (0.5 + 0.1 * y.float() + 0.3 * torch.cos(t.float() / 300)).reshape(-1, 1, 1, 1)
    return torch.cat([x * gain, torch.sin(3 * x + gain)], 1)


def guided(x, t, y, scale):
    """DiT's forward_with_cfg."""
    half = x[: len(x) // 2]
    out = network(torch.cat([half, half]), t, y)
    eps, rest = out[:, :3], out[:, 3:]
    conditional, other = eps.chunk(2)
    mixed = other + scale * (conditional - other)
    return torch.cat([torch.cat([mixed, mixed]), rest], 1)


def draw(sampler, steps, scale):
    diffusion = create_diffusion(str(steps))
    x, y = channels_first(5), torch.tensor([1, 4])
    count = len(x)
    if scale != 1:
        x, y = torch.cat([x, x]), torch.cat([y, torch.full((count,), 9)])
    index = 0

    def step_noise(like):
        nonlocal index
        noise = channels_first(100 + index)
        index += 1
        return torch.cat([noise] * (len(like) // count))

    gaussian_diffusion.th.randn_like = step_noise
    loop = diffusion.p_sample_loop if sampler == "ddpm" else diffusion.ddim_sample_loop
    kwargs = {"y": y} if scale == 1 else {"y": y, "scale": scale}
    out = loop(network if scale == 1 else guided, x.shape, x, clip_denoised=False, model_kwargs=kwargs, device="cpu")
    out = out[:count].permute(0, 2, 3, 1)
    return {"shape": list(out.shape), "data": [float(f"{v:.7g}") for v in out.reshape(-1).tolist()]}


CASES = [("ddpm", 2, 1), ("ddpm", 10, 1), ("ddpm", 50, 4), ("ddpm", 250, 1.5), ("ddim", 10, 1), ("ddim", 50, 4)]
content = {
    "steps": {n: create_diffusion(str(n)).timestep_map for n in (1, 2, 7, 10, 50, 250, 333)},
    "samples": [
        {"sampler": sampler, "steps": steps, "guidance": scale, "out": draw(sampler, steps, scale)}
        for sampler, steps, scale in CASES
    ],
}
OUT.write_text(json.dumps(content, separators=(",", ":")) + "\n")
print(f"{OUT.name}: {OUT.stat().st_size} bytes")
