"""Golden files of packages/trainer: torch's clipped AdamW with an averaged copy, its Muon and parameter groups, and Philox draws in NumPy.

Needs: pip install numpy torch. Run: python scripts/golden/trainer.py
"""

import json
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parents[2] / "packages/trainer/test/golden"
SEED = 7
STEPS = 100
SHAPES = {"weight": (3, 2), "bias": (2,)}


def rounded(values, digits):
    return [float(f"{float(v):.{digits}g}") for v in np.asarray(values).reshape(-1)]


def tensor(values, digits=9):
    return {"shape": list(values.shape), "data": rounded(values.detach().numpy(), digits)}


def adamw():
    generator = torch.Generator().manual_seed(SEED)
    short = lambda *shape: torch.tensor(rounded(torch.randn(*shape, generator=generator), 5)).reshape(shape)
    initial = {name: short(*shape) for name, shape in SHAPES.items()}
    gradients = [{name: short(*shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
    runs = []
    for decay in (0.0, 0.1):
        params = {name: value.clone().requires_grad_() for name, value in initial.items()}
        average = {name: value.clone() for name, value in initial.items()}
        optimizer = torch.optim.AdamW(params.values(), lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
        norms, snapshots = [], {}
        for step, gradient in enumerate(gradients, start=1):
            for name, parameter in params.items():
                parameter.grad = gradient[name].clone()
            norms.append(torch.nn.utils.clip_grad_norm_(params.values(), 2.0).item())
            optimizer.step()
            with torch.no_grad():
                for name, parameter in params.items():
                    average[name].mul_(0.99).add_(parameter, alpha=0.01)
            if step in (1, 10, STEPS):
                snapshots[step] = {
                    "params": {name: tensor(value) for name, value in params.items()},
                    "m": {name: tensor(optimizer.state[value]["exp_avg"]) for name, value in params.items()},
                    "v": {name: tensor(optimizer.state[value]["exp_avg_sq"]) for name, value in params.items()},
                    "ema": {name: tensor(value) for name, value in average.items()},
                }
        runs.append({"weightDecay": decay, "norms": rounded(norms, 7), "snapshots": snapshots})
    return {
        "initial": {name: tensor(value) for name, value in initial.items()},
        "gradients": [{name: tensor(value, 5) for name, value in gradient.items()} for gradient in gradients],
        "runs": runs,
    }


MUON_SHAPES = {"wide": (3, 5), "tall": (6, 4), "bias": (3,)}
MUON_STEPS = 30


def muon():
    """torch.optim.Muon (match_rms_adamw) on the matrices, in float32 where torch rounds to bfloat16, and AdamW on the rest; `tall` in a group."""
    generator = torch.Generator().manual_seed(SEED)
    short = lambda *shape: torch.tensor(rounded(torch.randn(*shape, generator=generator), 5)).reshape(shape)
    initial = {name: short(*shape) for name, shape in MUON_SHAPES.items()}
    gradients = [{name: short(*shape) for name, shape in MUON_SHAPES.items()} for _ in range(MUON_STEPS)]
    params = {name: value.clone().requires_grad_() for name, value in initial.items()}
    groups = [{"params": [params["wide"]]}, {"params": [params["tall"]], "lr": 5e-3, "weight_decay": 0.3}]
    matrices = torch.optim.Muon(groups, lr=1e-2, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    rest = torch.optim.AdamW([params["bias"]], lr=1e-2, weight_decay=0.1)
    rounding, torch.Tensor.bfloat16 = torch.Tensor.bfloat16, torch.Tensor.clone
    snapshots = {}
    for step, gradient in enumerate(gradients, start=1):
        for name, parameter in params.items():
            parameter.grad = gradient[name].clone()
        matrices.step()
        rest.step()
        if step in (1, MUON_STEPS):
            snapshots[step] = {
                "params": {name: tensor(value) for name, value in params.items()},
                "momentum": {name: tensor(matrices.state[params[name]]["momentum_buffer"]) for name in ("wide", "tall")},
            }
    torch.Tensor.bfloat16 = rounding
    return {
        "initial": {name: tensor(value) for name, value in initial.items()},
        "gradients": [{name: tensor(value, 5) for name, value in gradient.items()} for gradient in gradients],
        "snapshots": snapshots,
    }


def philox(counter, key):
    """Philox4x32-10 of Salmon et al. 2011 with Python's integers."""
    x, (k0, k1) = list(counter), key
    for _ in range(10):
        a, b = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(b >> 32) ^ x[1] ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ x[3] ^ k1, a & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return x


def draws():
    seed, stream, step, count = 42, "noise", 3, 22
    key = 0x811C9DC5
    for byte in stream.encode():
        key = ((key ^ byte) * 0x01000193) & 0xFFFFFFFF
    words = [w for group in range(-(-count // 4)) for w in philox((group, 0, step, 0), (seed, key))]
    uniform = (np.array(words, dtype=np.uint32) & 0x7FFFFF | 0x3F800000).view(np.float32) - np.float32(1)
    u1 = np.maximum(uniform[0::2], np.float32(1e-7))
    angle = (2 * np.pi * uniform[1::2].astype(np.float64)).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * np.log(u1))
    normal = np.stack([np.sin(angle) * radius, np.cos(angle) * radius], 1).reshape(-1)
    return {
        "seed": seed,
        "stream": stream,
        "step": step,
        "words": words[:count],
        "uniform": {"shape": [count], "data": rounded(uniform[:count], 9)},
        "normal": {"shape": [count], "data": rounded(normal[:count], 9)},
    }


for name, content in {"adamw": adamw(), "muon": muon()}.items():
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(content, separators=(",", ":")))
    print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")

path = OUT.parents[2] / "ops" / "test" / "golden" / "philox.json"
path.write_text(json.dumps(draws(), separators=(",", ":")))
print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")
