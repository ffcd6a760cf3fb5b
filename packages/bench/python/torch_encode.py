"""The encoder of `ahpa bench encode` in diffusers: AutoencoderKL as Stable Diffusion has it, or AutoencoderTiny with TAEF2's
branches, random weights, one batch to the mean of its latents.

Usage: python torch_encode.py '{"vae": "sd-vae" | "taef2", "size": 256, "batch": 2, "mode": "eager" | "channels-last" | "compile",
"precision": "f32" | "bf16"}'

In bf16 the whole model is bfloat16, diffusers' usual and fastest form. Protocol as torch_step.py, with `encode N`.
Needs: pip install torch==2.13.0 diffusers==0.42.1 numpy
"""

import json
import sys

import torch
import torch.nn as nn
from diffusers import AutoencoderKL, AutoencoderTiny
from serve import serve

spec = json.loads(sys.argv[1])
torch.set_num_threads(spec.get("threads", 2))
torch.manual_seed(0)


class Branch(nn.Module):
    """A block of TAEF2: AutoencoderTiny's, after adding 1x1 conv, GroupNorm(4), ReLU, 1x1 conv of the input to it."""

    def __init__(self, block, width):
        super().__init__()
        self.conv = block.conv
        first, last = nn.Conv2d(width, 4 * width, 1, bias=False), nn.Conv2d(4 * width, width, 1, bias=False)
        self.pool = nn.Sequential(first, nn.GroupNorm(4, 4 * width), nn.ReLU(), last)

    def forward(self, x):
        x = x + self.pool(x)
        return torch.relu(self.conv(x) + x)


def sd_vae():
    return AutoencoderKL(
        block_out_channels=[128, 256, 512, 512],
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        layers_per_block=2,
        latent_channels=4,
    )


def taef2():
    model = AutoencoderTiny(latent_channels=32)
    layers = model.encoder.layers
    for i in range(len(layers) - 4, len(layers) - 1):
        layers[i] = Branch(layers[i], 64)
    return model


tiny = spec["vae"] == "taef2"
model = (taef2() if tiny else sd_vae()).eval()
model.decoder = None
dtype = torch.bfloat16 if spec["precision"] == "bf16" else torch.float32
layout = torch.channels_last if spec["mode"] == "channels-last" else torch.contiguous_format
model = model.to(dtype).to(memory_format=layout)
images = (torch.rand(spec["batch"], 3, spec["size"], spec["size"]) * 2 - 1).to(dtype).to(memory_format=layout)


def mean(x):
    encoded = model.encode(x)
    return encoded.latents if tiny else encoded.latent_dist.mean


mean_of = torch.compile(mean) if spec["mode"] == "compile" else mean


@torch.inference_mode()
def encode():
    return mean_of(images).float().mean().item()


serve(model, {"encode": encode})
