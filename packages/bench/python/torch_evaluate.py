"""The work of `ahpa bench evaluate` in PyTorch and NumPy: SqueezeNet v1.1 with random weights into a float64 covariance, and the
squared distance of every feature to its third neighbour.

Usage: python torch_evaluate.py '{"images": 500, "batch": 50, "rows": 10000, "width": 512, "mode": "eager" | "channels-last"}'

Protocol as torch_step.py, with `features N` (PyTorch) and `neighbours N` (NumPy). Needs: pip install torch==2.13.0 numpy
"""

import json
import os
import sys

os.environ.pop("OPENBLAS_CORETYPE", None)  # would keep NumPy from its fastest kernels

import numpy as np
import torch
import torch.nn.functional as F
from serve import serve
from torch import nn

spec = json.loads(sys.argv[1])
torch.set_num_threads(spec.get("threads", 2))
layout = torch.channels_last if spec["mode"] == "channels-last" else torch.contiguous_format


class Fire(nn.Module):
    def __init__(self, inputs, narrow, wide):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, narrow, 1)
        self.one, self.three = nn.Conv2d(narrow, wide, 1), nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)


pool = lambda: nn.MaxPool2d(3, 2)
model = nn.Sequential(
    *[nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool()],
    *[Fire(128, 32, 128), Fire(256, 32, 128), pool(), Fire(256, 48, 192), Fire(384, 48, 192)],
    *[Fire(384, 64, 256), Fire(512, 64, 256)],
).eval().to(memory_format=layout)
mean = torch.tensor([123.68, 116.779, 103.939]).reshape(1, 3, 1, 1)
pixels = torch.randint(0, 256, (spec["batch"], 64, 64, 3), dtype=torch.uint8)
points = np.random.default_rng(0).standard_normal((spec["rows"], spec["width"]), dtype=np.float32)


@torch.inference_mode()
def features():
    found = []
    for start in range(0, spec["images"], spec["batch"]):
        x = pixels.permute(0, 3, 1, 2).float().to(memory_format=layout)
        x = F.interpolate(x, (227, 227), mode="bilinear", align_corners=False) - mean
        found.append(model(x).mean((2, 3))[: spec["images"] - start])
    return torch.cov(torch.cat(found).double().T)[0, 0].item()


def neighbours():
    """Blocks of rows, so that the distances stay in memory; partition finds the third beside the row itself."""
    norms = (points**2).sum(1)
    result = np.empty(len(points), np.float32)
    for start in range(0, len(points), 1000):
        part = slice(start, start + 1000)
        squared = norms[part, None] + norms[None] - 2 * points[part] @ points.T
        result[part] = np.partition(squared, 3, axis=1)[:, 3]
    return float(result[0])


serve(model, {"features": features, "neighbours": neighbours})
