"""Reference values for packages/alignment-losses from PyTorch transcriptions of the losses and heads.

Needs: pip install torch numpy
Run:   python scripts/golden/alignment-losses.py
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

OUT = Path(__file__).resolve().parents[2] / "packages/alignment-losses/test/golden"
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


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / name
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


def cosine(projected, target):
    """[B, T, D] -> [B]: one minus the token mean of the cosine of normalised rows."""
    return 1 - (F.normalize(projected, dim=-1) * F.normalize(target, dim=-1)).sum(-1).mean(-1)


def smooth_l1(projected, target):
    return F.smooth_l1_loss(projected, target, beta=0.05, reduction="none").mean((1, 2))


def distances():
    shape = (3, 4, 5)
    each = test_values((3,), 8)
    content = {}
    for name, distance in {"cosine": cosine, "smoothL1": smooth_l1}.items():
        projected = test_values(shape, 1).requires_grad_()
        # Half of the differences fall under beta.
        target = test_values(shape, 2) if name == "cosine" else projected.detach() + test_values(shape, 3) * 0.1
        value = distance(projected, target)
        (value * each).sum().backward()
        content[name] = {"value": golden(value), "dProjected": golden(projected.grad)}
    write("distances.json", content)


def losses():
    projected = [test_values((3, 4, 5 + g), 40 + g).requires_grad_() for g in range(2)]
    targets = [test_values((3, 4, 5 + g), 50 + g) for g in range(2)]
    weights = (test_values((3, 2), 60) + 1).requires_grad_()
    per_group = torch.stack([cosine(p, z) for p, z in zip(projected, targets)], 1)
    ahpa = (weights * per_group).sum(1).mean()
    ahpa.backward()
    write(
        "losses.json",
        {
            "ahpa": golden(ahpa),
            "perGroup": golden(per_group),
            "dProjected": [golden(p.grad) for p in projected],
            "dWeights": golden(weights.grad),
            "repa": golden(cosine(projected[0], targets[0]).mean()),
            "sra2": golden(F.smooth_l1_loss(projected[0], targets[0], beta=0.05)),
        },
    )


def heads():
    hidden = test_values((2, 9, 6), 70)
    sizes = [(7, 6), (7, 7), (5, 7)]
    linears = [nn.Linear(i, o) for o, i in sizes]
    for k, linear in enumerate(linears):
        linear.weight.data = test_values(sizes[k], 80 + k)
        linear.bias.data = test_values((sizes[k][0],), 90 + k)
    mlp = nn.Sequential(linears[0], nn.SiLU(), linears[1], nn.SiLU(), linears[2])
    out = mlp(hidden)
    (out**2).mean().backward()
    conv = nn.Conv2d(6, 5, 3, padding=1)
    conv.weight.data = test_values((5, 6, 3, 3), 83)
    conv.bias.data = test_values((5,), 93)
    image = hidden.transpose(1, 2).reshape(2, 6, 3, 3)
    projected = conv(image).flatten(2).transpose(1, 2)
    (projected**2).mean().backward()
    write(
        "heads.json",
        {
            "mlp": golden(out),
            "mlpGradients": {name: golden(parameter.grad) for name, parameter in mlp.named_parameters()},
            "conv": golden(projected),
            "convGradients": {name: golden(parameter.grad) for name, parameter in conv.named_parameters()},
        },
    )


def spatial():
    y = test_values((2, 6, 4), 4)
    normal = (y - 0.6 * y.mean(1, keepdim=True)) / (y.std(1, keepdim=True) + 1e-6)
    write("spatial.json", golden(normal))


distances()
losses()
heads()
spatial()
