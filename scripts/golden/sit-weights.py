"""Checkpoints of SiT's family at a tiny size: REPA's training form, SiT's and DiT's own, diffusers' folder.

Needs: pip install torch numpy diffusers safetensors
Run:   python scripts/golden/sit-weights.py
"""

import argparse
import importlib.util
import json
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from diffusers import DiTTransformer2DModel
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/sit-weights/test/golden"
FREQUENCIES, HEADS, CHANNELS, PATCH, SIZE, CLASSES = 256, 2, 4, 2, 4, 3


def numbers(name, shape):
    """Numbers in [-1, 1) from a name, as in scripts/golden/dit-core.py."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
    out = []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state / 2**31 - 1)
    return torch.tensor(np.array(out, np.float32)).reshape(shape)


def trunk(outputs, width=8, depth=2, qk_norm=False, salt=""):
    """The trained tensors in the order of SiT's module."""
    w, shapes = width, OrderedDict()

    def linear(name, rows, columns):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (rows, columns), (rows,)

    shapes["x_embedder.proj.weight"], shapes["x_embedder.proj.bias"] = (w, CHANNELS, PATCH, PATCH), (w,)
    linear("t_embedder.mlp.0", w, FREQUENCIES)
    linear("t_embedder.mlp.2", w, w)
    shapes["y_embedder.embedding_table.weight"] = (CLASSES + 1, w)
    for i in range(depth):
        linear(f"blocks.{i}.attn.qkv", 3 * w, w)
        for norm in ("q_norm", "k_norm") if qk_norm else ():
            shapes[f"blocks.{i}.attn.{norm}.weight"] = shapes[f"blocks.{i}.attn.{norm}.bias"] = (w // HEADS,)
        linear(f"blocks.{i}.attn.proj", w, w)
        linear(f"blocks.{i}.mlp.fc1", 4 * w, w)
        linear(f"blocks.{i}.mlp.fc2", w, 4 * w)
        linear(f"blocks.{i}.adaLN_modulation.1", 6 * w, w)
    linear("final_layer.linear", PATCH * PATCH * outputs, w)
    linear("final_layer.adaLN_modulation.1", 2 * w, w)
    return OrderedDict((name, numbers(salt + name, shape)) for name, shape in shapes.items())


def positions(width=8):
    """MAE's table: the column's half first, sines before cosines."""
    grid = SIZE // PATCH
    columns, rows = np.meshgrid(np.arange(grid), np.arange(grid))

    def encode(coordinates):
        omega = 1 / 10000 ** (np.arange(width // 4) / (width / 4))
        angles = np.einsum("m,d->md", coordinates.reshape(-1), omega)
        return np.concatenate([np.sin(angles), np.cos(angles)], 1)

    return torch.tensor(np.concatenate([encode(columns), encode(rows)], 1)).float().unsqueeze(0)


def repa():
    """What REPA's train.py saves: a wrapped model, its average, AdamW's state by number, arguments, steps."""
    heads = OrderedDict()
    for i, rows, columns in (0, 4, 4), (2, 4, 4), (4, 3, 4):
        heads[f"projectors.0.{i}.weight"] = numbers(f"head {i}", (rows, columns))
        heads[f"projectors.0.{i}.bias"] = numbers(f"head bias {i}", (rows,))
    small = dict(width=4, depth=1)
    model = OrderedDict([("pos_embed", positions(4))]) | trunk(CHANNELS, **small) | heads
    ema = OrderedDict([("pos_embed", positions(4))]) | trunk(CHANNELS, **small, salt="ema ") | heads
    parameters = [torch.nn.Parameter(value.clone(), requires_grad=name != "pos_embed") for name, value in model.items()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0)
    for _ in range(3):
        for name, parameter in zip(model, parameters):
            if parameter.requires_grad:
                parameter.grad = numbers(f"gradient {name}", parameter.shape)
        optimizer.step()
    args = argparse.Namespace(model="SiT-XL/2", resolution=32, encoder_depth=1)
    wrapped = OrderedDict((f"module._orig_mod.{name}", value) for name, value in model.items())
    torch.save({"model": wrapped, "ema": ema, "opt": optimizer.state_dict(), "args": args, "steps": 3}, OUT / "repa.pt")
    state = optimizer.state_dict()["state"]
    names = list(model)
    moments = {names[i]: [float(entry["exp_avg"].double().sum()), float(entry["exp_avg_sq"].double().sum())] for i, entry in state.items()}
    (OUT / "moments.json").write_text(json.dumps(moments, separators=(",", ":")) + "\n")


def legacy():
    """REPA's early names: the blocks after the tap are `decoder_blocks`; queries and keys have norms."""
    tensors = OrderedDict([("pos_embed", positions())]) | trunk(CHANNELS, qk_norm=True)
    renamed = {name.replace("blocks.1.", "decoder_blocks.0."): value for name, value in tensors.items()}
    save_file(renamed, OUT / "legacy.safetensors", {"format": "pt"})


def official():
    """SiT's and DiT's own files: a bare state dict whose last layer has twice the channels."""
    save_file(OrderedDict([("pos_embed", positions())]) | trunk(2 * CHANNELS), OUT / "sit.safetensors", {"format": "pt"})


def diffusers():
    """The same weights in diffusers' model, by its own names; its class writes the folder."""
    model = DiTTransformer2DModel(HEADS, 4, CHANNELS, 2 * CHANNELS, num_layers=2, sample_size=SIZE, patch_size=PATCH,
                                  num_embeds_ada_norm=CLASSES)
    source, target = trunk(2 * CHANNELS), {}

    def put(name, *ours):
        for end in ("weight", "bias"):
            if f"{ours[0]}.{end}" in source:
                target[f"{name}.{end}"] = source[f"{ours[0]}.{end}"]

    put("pos_embed.proj", "x_embedder.proj")
    put("proj_out_1", "final_layer.adaLN_modulation.1")
    put("proj_out_2", "final_layer.linear")
    for i in range(2):
        block, ours = f"transformer_blocks.{i}", f"blocks.{i}"
        put(f"{block}.norm1.emb.timestep_embedder.linear_1", "t_embedder.mlp.0")
        put(f"{block}.norm1.emb.timestep_embedder.linear_2", "t_embedder.mlp.2")
        put(f"{block}.norm1.emb.class_embedder.embedding_table", "y_embedder.embedding_table")
        put(f"{block}.norm1.linear", f"{ours}.adaLN_modulation.1")
        put(f"{block}.attn1.to_out.0", f"{ours}.attn.proj")
        put(f"{block}.ff.net.0.proj", f"{ours}.mlp.fc1")
        put(f"{block}.ff.net.2", f"{ours}.mlp.fc2")
        for end in ("weight", "bias"):
            for part, value in zip("qkv", source[f"{ours}.attn.qkv.{end}"].chunk(3)):
                target[f"{block}.attn1.to_{part}.{end}"] = value.clone()
    model.load_state_dict(target, strict=True)
    model.save_pretrained(OUT / "diffusers")


OUT.mkdir(parents=True, exist_ok=True)
repa()
legacy()
official()
diffusers()
for path in sorted(OUT.rglob("*")):
    if path.is_file():
        print(f"{path.relative_to(OUT)}: {path.stat().st_size} bytes")
