"""Features that packages/evaluation's networks give one image, from the same networks in PyTorch.

Needs: torch, numpy. python scripts/golden/evaluation-networks.py [FOLDER]
Weights are numbers of a hash, so that the test makes the same ones; with FOLDER, Inception's are also written there as a
state dict (pt_inception.pth) with what it computes (expected.json), for the test of the file itself.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "packages/evaluation/test/golden"


def hash_values(count, seed):
    """hashValues of the test: multiplications and shifts of 32 bits, uniform in [-1, 1)."""
    with np.errstate(over="ignore"):
        x = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
        x = (x ^ (x >> 15)) * np.uint32(2246822519)
        x = (x ^ (x >> 13)) * np.uint32(3266489917)
        x ^= x >> 16
    return (x.astype(np.float64) / 2**31 - 1).astype(np.float32)


class Conv(nn.Module):
    """Convolution, normalisation, ReLU, with torchvision's names."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    """TensorFlow's average pool: what lies outside does not count."""
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class A(nn.Module):
    def __init__(self, inputs, pool):
        super().__init__()
        self.branch1x1 = Conv(inputs, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Conv(inputs, 48, 1), Conv(48, 64, 5, 1, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(inputs, 64, 1), Conv(64, 96, 3, 1, 1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, 1, 1)
        self.branch_pool = Conv(inputs, pool, 1)

    def forward(self, x):
        deep = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)), deep, self.branch_pool(average(x))], 1)


class B(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.branch3x3 = Conv(inputs, 384, 3, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(inputs, 64, 1), Conv(64, 96, 3, 1, 1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, 2)

    def forward(self, x):
        deep = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), deep, F.max_pool2d(x, 3, 2)], 1)


class C(nn.Module):
    def __init__(self, width):
        super().__init__()
        wide, tall = dict(kernel=(1, 7), padding=(0, 3)), dict(kernel=(7, 1), padding=(3, 0))
        self.branch1x1 = Conv(768, 192, 1)
        self.branch7x7_1 = Conv(768, width, 1)
        self.branch7x7_2, self.branch7x7_3 = Conv(width, width, **wide), Conv(width, 192, **tall)
        self.branch7x7dbl_1 = Conv(768, width, 1)
        self.branch7x7dbl_2, self.branch7x7dbl_3 = Conv(width, width, **tall), Conv(width, width, **wide)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = Conv(width, width, **tall), Conv(width, 192, **wide)
        self.branch_pool = Conv(768, 192, 1)

    def forward(self, x):
        short = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        deep = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        deep = self.branch7x7dbl_5(self.branch7x7dbl_4(deep))
        return torch.cat([self.branch1x1(x), short, deep, self.branch_pool(average(x))], 1)


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Conv(768, 192, 1), Conv(192, 320, 3, 2)
        self.branch7x7x3_1, self.branch7x7x3_2 = Conv(768, 192, 1), Conv(192, 192, (1, 7), 1, (0, 3))
        self.branch7x7x3_3, self.branch7x7x3_4 = Conv(192, 192, (7, 1), 1, (3, 0)), Conv(192, 192, 3, 2)

    def forward(self, x):
        deep = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), deep, F.max_pool2d(x, 3, 2)], 1)


class E(nn.Module):
    def __init__(self, inputs, pool):
        super().__init__()
        wide, tall = dict(kernel=(1, 3), padding=(0, 1)), dict(kernel=(3, 1), padding=(1, 0))
        self.pool = pool
        self.branch1x1 = Conv(inputs, 320, 1)
        self.branch3x3_1 = Conv(inputs, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = Conv(384, 384, **wide), Conv(384, 384, **tall)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(inputs, 448, 1), Conv(448, 384, 3, 1, 1)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = Conv(384, 384, **wide), Conv(384, 384, **tall)
        self.branch_pool = Conv(inputs, 192, 1)

    def forward(self, x):
        short, deep = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        parts = [self.branch1x1(x), self.branch3x3_2a(short), self.branch3x3_2b(short)]
        parts += [self.branch3x3dbl_3a(deep), self.branch3x3dbl_3b(deep), self.branch_pool(self.pool(x))]
        return torch.cat(parts, 1)


class Inception(nn.Module):
    """The network of FID, with the names of pt_inception-2015-12-05."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Conv(3, 32, 3, 2), Conv(32, 32, 3)
        self.Conv2d_2b_3x3, self.Conv2d_3b_1x1 = Conv(32, 64, 3, 1, 1), Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = A(192, 32), A(256, 64), A(288, 64)
        self.Mixed_6a, self.Mixed_6b, self.Mixed_6c = B(288), C(128), C(160)
        self.Mixed_6d, self.Mixed_6e = C(160), C(192)
        self.Mixed_7a, self.Mixed_7b = D(), E(1280, average)
        self.Mixed_7c = E(2048, lambda x: F.max_pool2d(x, 3, 1, 1))
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images):
        """Images [B, H, W, 3], 0 to 255."""
        x = (tf1_resize(images, 299) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x.permute(0, 3, 1, 2))))
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2))), 3, 2)
        for block in [self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a, self.Mixed_6b, self.Mixed_6c]:
            x = block(x)
        spatial = self.Mixed_6d.branch1x1(x).permute(0, 2, 3, 1)[..., :7].flatten(1)
        for block in [self.Mixed_6d, self.Mixed_6e, self.Mixed_7a, self.Mixed_7b, self.Mixed_7c]:
            x = block(x)
        pooled = x.mean((2, 3))
        return {"pooled": pooled, "spatial": spatial, "logits": pooled @ self.fc.weight.T}


def tf1_resize(images, side):
    """ResizeBilinear of TensorFlow 1: source i * in / out, no half pixels, the last row repeated."""

    def mix(x, axis):
        size = x.shape[axis]
        at = torch.arange(side, dtype=torch.float32) * np.float32(size / side)
        low = at.floor().long()
        high = (low + 1).clamp(max=size - 1)
        weight = (at - low).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        return x.index_select(axis, low) * (1 - weight) + x.index_select(axis, high) * weight

    return mix(mix(images, 1), 2)


def fill(model):
    """Numbers of a hash in every tensor, scaled so that activations stay of size one."""
    for seed, (name, tensor) in enumerate(sorted(model.state_dict().items())):
        if name.endswith("num_batches_tracked"):
            continue
        values = torch.from_numpy(hash_values(tensor.numel(), seed)).reshape(tensor.shape)
        if name.endswith("conv.weight") or name == "fc.weight":
            values *= np.float32(np.sqrt(6 / tensor[0].numel()))
        elif name.endswith("running_mean"):
            values *= np.float32(0.125)
        else:
            values = values * np.float32(0.25) + (0 if name.endswith("bias") else 1)
        tensor.copy_(values)


def image():
    """[2, 64, 48, 3] of whole numbers 0 to 255."""
    return torch.from_numpy(np.floor((hash_values(2 * 64 * 48 * 3, 99) + 1) * 128)).reshape(2, 64, 48, 3)


def rounded(tensor, step=1):
    return [float(f"{x:.7g}") for x in tensor.flatten()[::step].tolist()]


@torch.no_grad()
def main():
    model = Inception().eval()
    fill(model)
    found = model(image())
    expected = {
        "shapes": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "pooled": rounded(found["pooled"], 7),
        "spatial": rounded(found["spatial"], 7),
        "logits": rounded(found["logits"], 7),
    }
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        torch.save(model.state_dict(), folder / "pt_inception.pth")
        (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))
    else:
        (OUT / "inception.json").write_text(json.dumps(expected, separators=(",", ":")))


if __name__ == "__main__":
    main()
