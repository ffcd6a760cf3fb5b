"""Loads converted weights strictly into modules of the published codes' names and shapes.

Needs: pip install torch diffusers safetensors
Run:   python scripts/golden/strict-load-parity.py CASES.json, a list of {name, path, to, part, sizes, projectors, hidden}
Prints one JSON object: by the case's name what strict loading complained about, or null.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn


class Labels(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.embedding_table = nn.Embedding(classes + 1, width)


class Times(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))


class Patches(nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, patch)


class Attention(nn.Module):
    def __init__(self, width, heads, qk_norm):
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        if qk_norm:
            self.q_norm, self.k_norm = nn.LayerNorm(width // heads), nn.LayerNorm(width // heads)


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)


def modulation(width, parts):
    return nn.Sequential(nn.SiLU(), nn.Linear(width, parts * width))


class Block(nn.Module):
    def __init__(self, width, heads, ratio, qk_norm):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.attn, self.mlp = Attention(width, heads, qk_norm), Mlp(width, int(width * ratio))
        self.adaLN_modulation = modulation(width, 6)


class Final(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.norm_final = nn.LayerNorm(width, elementwise_affine=False)
        self.linear, self.adaLN_modulation = nn.Linear(width, outputs), modulation(width, 2)


class SiT(nn.Module):
    """REPA's module with `projectors`; SiT's and DiT's without, and with twice the output channels."""

    def __init__(self, s, projectors, hidden, twice):
        super().__init__()
        width, patch, channels = s["hiddenSize"], s["patchSize"], s["latentChannels"]
        tokens = (s["latentSize"] // patch) ** 2
        self.x_embedder, self.t_embedder = Patches(channels, width, patch), Times(width)
        self.y_embedder = Labels(s["classes"], width)
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width), requires_grad=False)
        self.blocks = nn.ModuleList(
            [Block(width, s["heads"], s["mlpRatio"], s.get("qkNorm", False)) for _ in range(s["depth"])]
        )
        if projectors is not None:
            self.projectors = nn.ModuleList(
                [
                    nn.Sequential(
                        nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, out)
                    )
                    for out in projectors
                ]
            )
        self.final_layer = Final(width, patch * patch * channels * (2 if twice else 1))


def check(case):
    sizes, to = case["sizes"], case["to"]
    if to == "diffusers":
        from diffusers import DiTTransformer2DModel

        model, info = DiTTransformer2DModel.from_pretrained(case["path"], output_loading_info=True)
        complaints = [f"{key}: {value}" for key, value in info.items() if value]
        return "; ".join(complaints) or None
    model = SiT(sizes, case.get("projectors") if to == "repa" else None, case.get("hidden", 2048), to != "repa")
    tensors = load_file(case["path"])
    if "part" in case:
        prefix = case["part"] + "."
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    if case.get("part", "").startswith("exp_avg"):
        trained = {name: value.shape for name, value in model.named_parameters() if value.requires_grad}
        found = {name: value.shape for name, value in tensors.items()}
        return None if found == trained else f"moments of other parameters: {sorted(set(found) ^ set(trained))}"
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        return str(error)
    return None


cases = json.loads(Path(sys.argv[1]).read_text())
print(json.dumps({case["name"]: check(case) for case in cases}))
