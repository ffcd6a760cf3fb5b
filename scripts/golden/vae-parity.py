"""Models of diffusers in their published file formats with what they compute, for the native parity test of
@ahpa/vae-hierarchy.

Needs: torch, diffusers, safetensors, numpy, pillow (pip). python scripts/golden/vae-parity.py FOLDER
Writes FOLDER/<case>/ as diffusers saves it (one safetensors file, shards, or .bin) and expected-<H>x<W>.safetensors beside
it; FOLDER/taef2/expected.safetensors from photographs where ../shared/data has them and TAEF2.
"""

import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from PIL import Image
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("golden", HERE / "vae-hierarchy.py")
golden = importlib.util.module_from_spec(spec)
spec.loader.exec_module(golden)

SIZES = [(64, 64), (256, 256), (64, 96)]
PHOTOGRAPHS = 50


def kl(**options):
    return AutoencoderKL(
        block_out_channels=[16, 16, 32, 32],
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        layers_per_block=2,
        norm_num_groups=8,
        **options,
    )


def models():
    """Name, model, how it is saved."""
    torch.manual_seed(0)
    yield "sd", kl(latent_channels=4), {}
    sd3 = dict(latent_channels=16, use_quant_conv=False, use_post_quant_conv=False, scaling_factor=1.5305)
    yield "sd3", kl(shift_factor=0.0609, **sd3), {"safe_serialization": False}
    yield "taesd", AutoencoderTiny(), {"max_shard_size": "1MB"}


def nchw(x):
    return x.permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def expected(model, x):
    taps = {}
    if isinstance(model, AutoencoderTiny):
        golden.tiny_taps(model, model.config.num_encoder_blocks, taps)
        moments = {"mean": model.encode(nchw(x)).latents}
    else:
        golden.hook_taps(model.encoder, taps)
        posterior = model.encode(nchw(x)).latent_dist
        moments = {"mean": posterior.mean, "logVar": posterior.logvar}
    decoded = model.decode(moments["mean"]).sample
    values = {name: golden.nhwc(value) for name, value in {**moments, "decoded": decoded}.items()}
    return {"x": x, **values, **{f"tap:{name}": value.contiguous() for name, value in taps.items()}}


def photographs():
    archive = zipfile.ZipFile(golden.TAEF2 / "tiny-imagenet-50.zip")
    names = sorted(name for name in archive.namelist() if name.startswith("val/") and name.endswith(".JPEG"))
    chosen = names[:: len(names) // PHOTOGRAPHS][:PHOTOGRAPHS]
    pixels = [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in chosen]
    return torch.from_numpy(np.stack(pixels)).float() / 127.5 - 1


def write(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    for name, model, options in models():
        model.save_pretrained(out / name, **options)
        for height, width in SIZES:
            x = 2 * torch.rand(1, height, width, 3) - 1
            write(out / name / f"expected-{height}x{width}.safetensors", expected(model, x))
    if golden.TAEF2.exists():
        values = expected(golden.taef2()[0], photographs())
        kept = {name: values[name] for name in ["x", "mean", "decoded"]}
        write(out / "taef2" / "expected.safetensors", kept)
