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
    write("router.json", content)


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / name
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def log_snr(t):
    inner = t.clamp(1e-4, 1 - 1e-4)
    return (2 * ((1 - inner) / inner).log()).clamp(-8, 8)


def rules():
    """Conditions, top-k, penalties, normalised losses, uncertainty, agreement, closed forms."""
    t = torch.tensor([0.0, 0.1, 0.35, 0.6, 0.95, 1.0])
    logits = test_values((6, 3), 40).requires_grad_()
    weights = logits.softmax(-1)
    content = {
        "logSnr": golden(sinusoid(log_snr(t), 8)),
        "logSnrCosine": golden(sinusoid((2 * torch.log(1 / torch.tan(t.clamp(1e-4, 1 - 1e-4) * math.pi / 2))).clamp(-8, 8), 8)),
        "fourier": golden(sinusoid(1000 * t, 8)),
    }
    soft = (logits / 0.7).softmax(-1)
    top = soft * torch.zeros_like(soft).scatter(-1, soft.topk(2, -1).indices, 1)
    top = 0.9 * top / top.sum(-1, keepdim=True) + 0.1 / 3
    (d_logits,) = torch.autograd.grad((top * test_values((6, 3), 41)).sum(), logits)
    content["topK"] = {"weights": golden(top), "dLogits": golden(d_logits)}

    entropy = lambda p: -(p * p.log()).sum(-1)
    share, past = weights.mean(0), torch.tensor([0.6, 0.3, 0.1])
    for name, s in (("penalty", share), ("penaltyPast", share + 0.9 * (past - share).detach())):
        balance = (s * (s * 3).log()).sum()
        mutual = entropy(share) - entropy(weights).mean()
        penalty = -0.3 * entropy(weights).mean() + 0.2 * balance - 0.1 * mutual
        (d_logits,) = torch.autograd.grad(penalty, logits, retain_graph=True)
        content[name] = {"value": golden(penalty), "dLogits": golden(d_logits)}

    # Four bins of t; the second has never been seen, this batch is the third update of the others.
    losses = test_values((6, 3), 42) + 2
    mean, seen = test_values((4, 3), 43) + 2, torch.tensor([2.0, 0.0, 2.0, 2.0])
    bins = (t * 4).floor().clamp(max=3).long()
    updated = mean.clone()
    for b in range(4):
        if (bins == b).any():
            rate = max(1 - 0.9, 1 / (seen[b].item() + 1))
            updated[b] += rate * (losses[bins == b].mean(0) - mean[b])
    content["means"] = golden(updated)
    content["normalized"] = golden(losses / updated[bins])
    content["closedForm"] = golden((-updated / 0.2).softmax(-1))
    distances = torch.tensor([[0.2, 0.9, 0.95], [0.5, 0.7, 0.99], [0.9, 1.1, 1.0]])
    explained = (1 - distances).clamp(min=0) ** 2
    best = explained.amax(0)
    gap = (1 - explained / best.clamp(min=0.02)).clamp(0, 1) / 0.3
    gap[:, best < 0.02] = -math.inf
    content["gap"] = golden(gap.softmax(-1))

    s = test_values((6, 3), 44)
    content["uncertainty"] = {"loss": golden(((-s).exp() * losses + s).sum(-1).mean())}
    content["agreement"] = golden(-(weights * test_values((6, 3), 45)).sum(-1).mean())
    write("rules.json", content)


main()
rules()
