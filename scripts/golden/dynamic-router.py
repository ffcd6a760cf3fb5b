"""Reference values for packages/dynamic-router from a PyTorch router written out from its equations.

Needs: pip install torch numpy
Run:   python scripts/golden/dynamic-router.py
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "packages/dynamic-router/test/golden"
torch.set_default_dtype(torch.float64)


def test_values(shape, seed):
    """The linear congruential generator of tooling/test-utils (`testTensor`), rounded to float32 as there."""
    state, out = seed & 0xFFFFFFFF, []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return torch.tensor(np.array(out, np.float32).astype(np.float64)).reshape(shape)


def golden(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{x:.7g}") for x in tensor.detach().reshape(-1).tolist()]}


def sinusoid(t, width):
    half = width // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half) / half)
    angles = t[:, None] * frequencies[None]
    return torch.cat([torch.cos(angles), torch.sin(angles)], -1)


def main():
    frequencies, hidden, groups, temperature, floor = 16, 8, 3, 0.7, 0.05
    widths = [frequencies, hidden, hidden, hidden, groups]
    layers = []
    for i in range(4):
        linear = nn.Linear(widths[i], widths[i + 1])
        linear.weight.data = test_values((widths[i + 1], widths[i]), 10 + i)
        linear.bias.data = test_values((widths[i + 1],), 20 + i)
        layers += [linear, nn.SiLU()]
    net = nn.Sequential(*layers[:-1])
    t = torch.tensor([0.0, 0.1, 0.35, 0.6, 0.95, 1.0])
    weights = (1 - floor) * (net(sinusoid(t, frequencies)) / temperature).softmax(-1) + floor / groups
    share = weights.mean(0)
    balance = (share * (share * groups).log()).sum()
    entropy = -(weights * weights.log()).sum(-1)
    (weights * test_values((6, groups), 30)).sum().backward()
    content = {
        "weights": golden(weights),
        "balance": golden(balance),
        "entropy": golden(entropy),
        "gradients": {name: golden(parameter.grad) for name, parameter in net.named_parameters()},
    }
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "router.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


main()
