"""Golden values of @ahpa/vae-hierarchy from diffusers' AutoencoderKL at tiny sizes.

Needs: torch, diffusers, numpy (pip). Run from the repository root: python scripts/golden/vae-hierarchy.py
Weights and images follow the formulas `weight` and `image` below, so that the file holds only results.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

OUT = Path(__file__).resolve().parents[2] / "packages/vae-hierarchy/test/golden"
CASES = {
    "attention": dict(channels=[8, 8, 16, 16], layers=2, groups=4, attention=True, size=[16, 24]),
    "plain": dict(channels=[8, 16], layers=1, groups=2, attention=False, size=[8, 4]),
}
GRADIENT_KEYS = [
    "encoder.conv_in.weight",
    "encoder.down_blocks.0.resnets.0.norm1.weight",
    "encoder.down_blocks.0.downsamplers.0.conv.weight",
    "encoder.mid_block.resnets.1.norm2.bias",
    "quant_conv.bias",
    "decoder.up_blocks.0.upsamplers.0.conv.weight",
    "decoder.conv_norm_out.weight",
]


def phase(key):
    value = 0
    for char in key:
        value = (value * 31 + ord(char)) % 1009
    return value


def weight(key, shape):
    wave = np.sin(phase(key) + 0.7 * np.arange(math.prod(shape)))
    if len(shape) == 1:
        return ((1 if "norm" in key and key.endswith("weight") else 0) + 0.1 * wave).reshape(shape)
    return (1.2 * wave / math.sqrt(math.prod(shape[1:]))).reshape(shape)


def image(batch, height, width):
    """NHWC in [-1, 1]."""
    return np.sin(0.37 * np.arange(batch * height * width * 3)).reshape(batch, height, width, 3)


def rounded(values):
    return [float(f"{v:.7g}") for v in values]


def full(tensor):
    return {"shape": list(tensor.shape), "data": rounded(tensor.flatten().tolist())}


def summary(tensor, count=24):
    flat = tensor.flatten().double()
    stride = max(1, flat.numel() // count)
    return {
        "shape": list(tensor.shape),
        "sum": float(f"{flat.sum():.7g}"),
        "absSum": float(f"{flat.abs().sum():.7g}"),
        "stride": stride,
        "values": rounded(flat[::stride].tolist()),
    }


def nhwc(tensor):
    return tensor.permute(0, 2, 3, 1).contiguous()


def hook_taps(encoder, taps):
    def keep(name):
        return lambda module, inputs, output: taps.__setitem__(name, nhwc(output.detach()))

    encoder.conv_in.register_forward_hook(keep("conv_in"))
    for i, level in enumerate(encoder.down_blocks):
        for j, block in enumerate(level.resnets):
            block.register_forward_hook(keep(f"down.{i}.block.{j}"))
        for sampler in level.downsamplers or []:
            sampler.register_forward_hook(keep(f"down.{i}.downsample"))
    encoder.mid_block.resnets[0].register_forward_hook(keep("mid.block_1"))
    for block in encoder.mid_block.attentions:
        if block is not None:
            block.register_forward_hook(keep("mid.attn_1"))
    encoder.mid_block.resnets[1].register_forward_hook(keep("mid.block_2"))


def build(case):
    levels = len(case["channels"])
    model = AutoencoderKL(
        block_out_channels=case["channels"],
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        layers_per_block=case["layers"],
        norm_num_groups=case["groups"],
        latent_channels=4,
        mid_block_add_attention=case["attention"],
    )
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    model.load_state_dict({key: torch.tensor(weight(key, shape), dtype=torch.float32) for key, shape in shapes.items()})
    return model, shapes


def run(case):
    model, shapes = build(case)
    taps = {}
    hook_taps(model.encoder, taps)
    x = torch.tensor(image(2, *case["size"]), dtype=torch.float32).permute(0, 3, 1, 2)
    posterior = model.encode(x).latent_dist
    decoded = model.decode(posterior.mean).sample
    loss = (decoded - x).square().mean() + 0.01 * (posterior.mean.square() + posterior.var - 1 - posterior.logvar).mean()
    loss.backward()
    parameters = dict(model.named_parameters())
    return {
        "config": json.loads(model.to_json_string()),
        "batch": 2,
        "size": case["size"],
        "shapes": shapes,
        "mean": full(nhwc(posterior.mean)),
        "logVar": full(nhwc(posterior.logvar)),
        "taps": {name: summary(value) for name, value in taps.items()},
        "decoded": summary(nhwc(decoded), 200),
        "loss": float(f"{loss.item():.7g}"),
        "gradients": {key: summary(parameters[key].grad) for key in GRADIENT_KEYS},
    }


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, case in CASES.items():
        path = OUT / f"{name}.json"
        path.write_text(json.dumps(run(case), separators=(",", ":")) + "\n")
        print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")
