"""Training checkpoints of LightningDiT, SiT and DiT at a tiny size, with the arguments their programs save.

Needs: pip install torch numpy
Run:   python scripts/golden/sit-models.py
"""

import argparse
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parents[2] / "packages/sit-models/test/golden"
WIDTH, CHANNELS, PATCH, SIZE, CLASSES = 4, 4, 2, 4, 3


def numbers(name, shape):
    """Numbers in [-1, 1) from a name, as in scripts/golden/sit-weights.py."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    out = []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return torch.tensor(np.array(out, np.float32)).reshape(shape)


def positions():
    """MAE's table of width 4: sine and cosine of the column, then of the row."""
    grid = SIZE // PATCH
    rows = [[f(c) for c in (x, y) for f in (math.sin, math.cos)] for y in range(grid) for x in range(grid)]
    return torch.tensor(rows).float().unsqueeze(0)


def network(outputs, rows, swiglu=False, rms=False):
    w, shapes = WIDTH, OrderedDict()

    def linear(name, out, inputs):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, inputs), (out,)

    shapes["x_embedder.proj.weight"], shapes["x_embedder.proj.bias"] = (w, CHANNELS, PATCH, PATCH), (w,)
    linear("t_embedder.mlp.0", w, 256)
    linear("t_embedder.mlp.2", w, w)
    shapes["y_embedder.embedding_table.weight"] = (rows, w)
    if rms:
        shapes["blocks.0.norm1.weight"] = shapes["blocks.0.norm2.weight"] = (w,)
    linear("blocks.0.attn.qkv", 3 * w, w)
    linear("blocks.0.attn.proj", w, w)
    if swiglu:
        linear("blocks.0.mlp.w12", 20, w)
        linear("blocks.0.mlp.w3", w, 10)
    else:
        linear("blocks.0.mlp.fc1", 4 * w, w)
        linear("blocks.0.mlp.fc2", w, 4 * w)
    linear("blocks.0.adaLN_modulation.1", 6 * w, w)
    linear("final_layer.linear", PATCH * PATCH * outputs, w)
    linear("final_layer.adaLN_modulation.1", 2 * w, w)
    tensors = OrderedDict([("pos_embed", positions())])
    return tensors | OrderedDict((name, numbers(name, shape)) for name, shape in shapes.items())


def config(**options):
    """LightningDiT's configuration, as far as the network goes."""
    return {
        "data": {"image_size": 256, "num_classes": CLASSES},
        "model": {"model_type": "LightningDiT-B/1", "use_rope": False, **options},
        "transport": {"path_type": "Linear", "prediction": "velocity", "loss_weight": None},
    }


def half(tensors):
    return OrderedDict((name, value.half()) for name, value in tensors.items())


def save(name, checkpoint):
    torch.save(checkpoint, OUT / name)
    print(f"{name}: {(OUT / name).stat().st_size} bytes")


OUT.mkdir(parents=True, exist_ok=True)
plain = network(CHANNELS, CLASSES + 1)
moments = {0: {"step": torch.tensor(5.0), "exp_avg": torch.zeros(1), "exp_avg_sq": torch.zeros(1)}}
save("lightning.pt", {"ema": plain, "opt": {"state": moments, "param_groups": []}, "config": config()})
added = network(CHANNELS, CLASSES + 1, swiglu=True, rms=True) | {"feat_rope.freqs_cos": numbers("rope", (4, 4))}
save("lightning-full.pt", {"ema": half(added), "config": config(use_swiglu=True, use_rmsnorm=True)})
arguments = dict(image_size=256, num_classes=CLASSES, path_type="Linear")
unconditional = network(2 * CHANNELS, CLASSES)
sit = argparse.Namespace(model="SiT-XL/2", prediction="velocity", **arguments)
save("sit-no-null.pt", {"ema": half(unconditional), "args": sit})
noise = argparse.Namespace(model="SiT-XL/2", prediction="noise", **arguments)
save("sit-noise.pt", {"ema": OrderedDict(list(unconditional.items())[:2]), "args": noise})
dit = argparse.Namespace(model="DiT-XL/2", image_size=256, num_classes=CLASSES)
save("dit.pt", {"ema": half(network(2 * CHANNELS, CLASSES + 1)), "args": dit})
