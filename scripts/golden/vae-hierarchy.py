"""Golden values of @ahpa/vae-hierarchy: diffusers' AutoencoderKL and AutoencoderTiny at tiny sizes, TAEF2 at its own.

Needs: torch, diffusers, numpy (pip). Run from the repository root: python scripts/golden/vae-hierarchy.py
Weights and images follow the formulas `weight` and `image` below, so that the file holds only results. TAEF2's weights are
looked for in ../shared/data and its values left as they are where those are absent.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "packages/vae-hierarchy/test/golden"
KL_GRADIENTS = [
    "encoder.conv_in.weight",
    "encoder.down_blocks.0.resnets.0.norm1.weight",
    "encoder.down_blocks.0.downsamplers.0.conv.weight",
    "encoder.mid_block.resnets.1.norm2.bias",
    "quant_conv.bias",
    "decoder.up_blocks.0.upsamplers.0.conv.weight",
    "decoder.conv_norm_out.weight",
]
TINY_GRADIENTS = ["encoder.layers.0.weight", "encoder.layers.2.weight", "decoder.layers.0.bias"]
KL_CASES = {
    "attention": dict(channels=[8, 8, 16, 16], layers=2, groups=4, attention=True, size=[16, 24]),
    "plain": dict(channels=[8, 16], layers=1, groups=2, attention=False, size=[8, 4]),
    "flux": dict(
        channels=[8, 16],
        layers=1,
        groups=4,
        attention=True,
        size=[4, 8],
        latent_channels=16,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=0.3611,
        shift_factor=0.1159,
    ),
}
TINY_CASES = {
    "tiny": dict(width=8, encoder=[1, 2, 1], decoder=[1, 2, 1], latent=4, branch=False, size=[16, 12]),
    "tiny-global": dict(width=8, encoder=[1, 3], decoder=[2, 1], latent=5, branch=True, size=[8, 12]),
}
TINY_GAIN = 0.5  # without normalization, more would grow from layer to layer
TAEF2 = Path(__file__).resolve().parents[3] / "shared/data"


def phase(key):
    value = 0
    for char in key:
        value = (value * 31 + ord(char)) % 1009
    return value


def weight(key, shape, gain=1.2):
    wave = np.sin(phase(key) + 0.7 * np.arange(math.prod(shape)))
    if len(shape) == 1:
        return ((1 if "norm" in key and key.endswith("weight") else 0) + 0.1 * wave).reshape(shape)
    return (gain * wave / math.sqrt(math.prod(shape[1:]))).reshape(shape)


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


def fill(model, *gain):
    values = {key: weight(key, list(value.shape), *gain) for key, value in model.state_dict().items()}
    model.load_state_dict({key: torch.tensor(value, dtype=torch.float32) for key, value in values.items()})


def images(batch, size):
    return torch.tensor(image(batch, *size), dtype=torch.float32).permute(0, 3, 1, 2)


def results(model, config, case, keys, mean, decoded, loss, taps, **more):
    loss.backward()
    parameters = dict(model.named_parameters())
    return {
        "config": config,
        "batch": 2,
        "size": case["size"],
        "shapes": {key: list(value.shape) for key, value in model.state_dict().items()},
        "mean": full(nhwc(mean)),
        **more,
        "taps": {name: summary(value) for name, value in taps.items()},
        "decoded": summary(nhwc(decoded), 200),
        "loss": float(f"{loss.item():.7g}"),
        "gradients": {key: summary(parameters[key].grad) for key in keys if key in parameters},
    }


def run_kl(case):
    levels = len(case["channels"])
    options = {"latent_channels": 4, **{key: value for key, value in case.items() if "_" in key}}
    model = AutoencoderKL(
        block_out_channels=case["channels"],
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        layers_per_block=case["layers"],
        norm_num_groups=case["groups"],
        mid_block_add_attention=case["attention"],
        **options,
    )
    fill(model)
    taps = {}
    hook_taps(model.encoder, taps)
    x = images(2, case["size"])
    posterior = model.encode(x).latent_dist
    decoded = model.decode(posterior.mean).sample
    loss = (decoded - x).square().mean() + 0.01 * (posterior.mean.square() + posterior.var - 1 - posterior.logvar).mean()
    config = json.loads(model.to_json_string())
    return results(
        model, config, case, KL_GRADIENTS, posterior.mean, decoded, loss, taps, logVar=full(nhwc(posterior.logvar))
    )


class Branch(nn.Module):
    """TAEF2's block: AutoencoderTiny's, after adding 1x1 conv, GroupNorm(4), ReLU, 1x1 conv of the input to it."""

    def __init__(self, block, width):
        super().__init__()
        self.conv = block.conv
        wide = 4 * width
        first, last = nn.Conv2d(width, wide, 1, bias=False), nn.Conv2d(wide, width, 1, bias=False)
        self.pool = nn.Sequential(first, nn.GroupNorm(4, wide), nn.ReLU(), last)

    def forward(self, x):
        x = x + self.pool(x)
        return torch.relu(self.conv(x) + x)


def build_tiny(width, encoder, decoder, latent, branch):
    model = AutoencoderTiny(
        encoder_block_out_channels=[width] * len(encoder),
        decoder_block_out_channels=[width] * len(decoder),
        num_encoder_blocks=encoder,
        num_decoder_blocks=decoder,
        latent_channels=latent,
    )
    if branch:
        last = len(model.encoder.layers) - 1
        for i in range(last - encoder[-1], last):
            model.encoder.layers[i] = Branch(model.encoder.layers[i], width)
        for i in range(2, 2 + decoder[0]):
            model.decoder.layers[i] = Branch(model.decoder.layers[i], width)
    config = json.loads(model.to_json_string())
    return model, {**config, **({"use_midblock_gn": True} if branch else {})}


def tiny_taps(model, encoder, taps):
    names = ["conv_in"]
    for level, number in enumerate(encoder):
        names += [f"down.{level - 1}.downsample"] if level > 0 else []
        names += [f"down.{level}.block.{i}" for i in range(number)]
    for name, layer in zip(names, model.encoder.layers):
        layer.register_forward_hook(lambda module, inputs, output, name=name: taps.__setitem__(name, nhwc(output.detach())))


def run_tiny(case):
    model, config = build_tiny(*[case[key] for key in ["width", "encoder", "decoder", "latent", "branch"]])
    fill(model, TINY_GAIN)
    taps = {}
    tiny_taps(model, case["encoder"], taps)
    x = images(2, case["size"])
    mean = model.encode(x).latents
    decoded = model.decode(mean).sample
    return results(model, config, case, TINY_GRADIENTS, mean, decoded, (decoded - x).square().mean(), taps, gain=TINY_GAIN)


def taef2():
    """TAEF2 with its real weights, in float32, and its config."""
    model, config = build_tiny(64, [1, 3, 3, 3], [3, 3, 3, 1], 32, True)
    halves = {half: torch.load(TAEF2 / f"taef2_{half}.pth", weights_only=True) for half in ["encoder", "decoder"]}
    offsets = {"encoder": 0, "decoder": 1}
    state = {}
    for half, tensors in halves.items():
        for key, value in tensors.items():
            position, rest = key.split(".", 1)
            state[f"{half}.layers.{int(position) - offsets[half]}.{rest}"] = value.float()
    model.load_state_dict(state)
    return model, config


def run_taef2():
    model, config = taef2()
    taps = {}
    tiny_taps(model, [1, 3, 3, 3], taps)
    with torch.no_grad():
        mean = model.encode(images(1, [16, 24])).latents
        decoded = model.decode(mean).sample
    last = {f"down.{i}.block.{j}": summary(taps[f"down.{i}.block.{j}"], 64) for i, j in enumerate([0, 2, 2, 2])}
    return {"config": config, "mean": full(nhwc(mean)), "taps": last, "decoded": summary(nhwc(decoded), 400)}


def run_pyramid():
    """PyTorch's poolings of a map that the grid divides, and of one that it does not."""
    even, odd = (torch.tensor(np.sin(0.7 * np.arange(2 * h * w * 3)).reshape(2, h, w, 3)).float() for h, w in [(6, 9), (5, 8)])
    nchw = {name: value.permute(0, 3, 1, 2) for name, value in {"even": even, "odd": odd}.items()}
    pool = nn.functional
    unshuffled = even.reshape(2, 3, 2, 3, 3, 3).permute(0, 1, 3, 2, 4, 5).reshape(2, 3, 3, 18)
    std = torch.stack([part.std((2, 3), unbiased=False) for row in nchw["even"].split(2, 2) for part in row.split(3, 3)], 1)
    outputs = {
        "average": nhwc(pool.adaptive_avg_pool2d(nchw["even"], 3)),
        "averageOdd": nhwc(pool.adaptive_avg_pool2d(nchw["odd"], 3)),
        "max": nhwc(pool.adaptive_max_pool2d(nchw["even"], 3)),
        "std": std,
        "unshuffle": unshuffled,
    }
    return {name: full(value.reshape(2, 9, -1)) for name, value in outputs.items()}


def write(name, golden):
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, case in KL_CASES.items():
        write(name, run_kl(case))
    for name, case in TINY_CASES.items():
        write(name, run_tiny(case))
    write("pyramid", run_pyramid())
    if TAEF2.exists():
        write("taef2", run_taef2())
