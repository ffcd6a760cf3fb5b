"""Tiny files of the reference writers of safetensors, PyTorch and NumPy, read by the tests of @ahpa/weight-files.

Needs: torch, numpy, safetensors (pip). Run from the repository root: python scripts/golden/weight-files.py
"""

import pickle
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "packages/weight-files/test/golden"

FLOATS = [0.0, -0.0, 1.0, -2.5, 0.1, 65504.0, 6e-8, float("inf"), float("-inf"), float("nan")]

TENSORS = {
    "block.0.f64": torch.tensor(FLOATS, dtype=torch.float64),
    "block.0.f32": torch.tensor(FLOATS, dtype=torch.float32).reshape(2, 5),
    "block.1.f16": torch.tensor(FLOATS, dtype=torch.float16).reshape(5, 2, 1),
    "block.1.bf16": torch.tensor(FLOATS[:5], dtype=torch.bfloat16),
    "i64": torch.tensor([-(2**62), 3], dtype=torch.int64),
    "i32": torch.tensor([[-(2**31), 2**31 - 1]], dtype=torch.int32),
    "i16": torch.tensor([-32768, 7, 9], dtype=torch.int16),
    "i8": torch.tensor([-128, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 255, 1], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(3.5),
    "empty": torch.zeros(0, 4),
    'quoted "name" \u00e9': torch.tensor([1.0]),
}


def views():
    """Tensors that share storages or are not contiguous."""
    grid = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    return {
        "grid": grid,
        "transposed": grid.permute(2, 0, 1),
        "column": grid[:, :, 1],
        "tail": grid.flatten()[20:],
        "every_other": torch.arange(6, dtype=torch.int16)[::2],
        "channels_last": torch.arange(24, dtype=torch.float16).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
        "ones": torch.arange(3, dtype=torch.float32).reshape(3, 1, 1).expand(3, 1, 1),
    }


def checkpoint():
    """What a training script of the REPA family saves: wrapped model, average, optimiser, arguments, step."""
    torch.manual_seed(0)
    wrapped = torch.nn.Sequential(OrderedDict(module=torch.nn.Linear(3, 2)))
    model = wrapped.module
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    arguments = Namespace(model="SiT-B/2", seed=0, lr=1e-4, cfg=[1.5, None], compile=False, nested=Namespace(a=1))
    return {
        "model": wrapped.state_dict(),
        "ema": OrderedDict((f"_orig_mod.{key}", value * 2) for key, value in model.state_dict().items()),
        "parameter": model.weight,
        "opt": optimiser.state_dict(),
        "args": arguments,
        "steps": 400000,
        "seed": 2**63,
        "score": np.float64(2.5),
        "count": np.int64(-7),
        "size": torch.Size([2, 3]),
    }


ARRAYS = {
    "u1": np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2),
    "i1": np.array([-128, 127], dtype=np.int8),
    "i2": np.array([-32768, 7, 9], dtype=np.int16),
    "i4": np.array([[-(2**31), 2**31 - 1]], dtype=np.int32),
    "i8": np.array([-(2**62), 3], dtype=np.int64),
    "f2": np.array([0.5, -2, 65504], dtype=np.float16),
    "f4": np.linspace(0, 1, 10, dtype=np.float32).reshape(5, 2),
    "f8": np.array(FLOATS),
    "b1": np.array([True, False, True]),
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "fortran": np.asfortranarray(np.arange(24, dtype=np.int32).reshape(2, 3, 4)),
    "rows": np.arange(60000, dtype=np.int32).reshape(20000, 3) // 7,
}


def save_arrays():
    """The same arrays stored and deflated, one in each version of .npy, and what is refused."""
    few = {name: array for name, array in ARRAYS.items() if name != "rows"}
    np.savez(OUT / "arrays.npz", **few)
    np.savez_compressed(OUT / "deflated.npz", **ARRAYS)
    for version in [(1, 0), (2, 0), (3, 0)]:
        with open(OUT / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, ARRAYS["f4"], version=version)
    np.save(OUT / "object.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    names = ["arrays.npz", "deflated.npz", "version1.npy", "version2.npy", "version3.npy", "object.npy"]
    return [OUT / name for name in names]


def save_torch(name, value, **options):
    torch.save(value, OUT / name, **options)
    return OUT / name


def arrays():
    """What pickle.dump writes of NumPy arrays: a dict of lists, scalars, and a shape of no elements."""
    grid = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    return {
        "layer/conv": [grid, np.array([-1, 2**40], dtype=np.int64)],
        "tuple": (np.ones(3, np.uint8), "text", None),
        "empty": np.zeros((0, 4), np.float64),
        "column": np.asfortranarray(np.ones((3, 1), np.float16)),
        "scalar": np.float32(1.5),
    }


def save_pickle(name, value, protocol):
    (OUT / name).write_bytes(pickle.dumps(value, protocol=protocol))
    return OUT / name


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    save_file(TENSORS, OUT / "reference.safetensors", metadata={"format": "pt"})
    paths = [
        OUT / "reference.safetensors",
        save_torch("types.pt", TENSORS),
        save_torch("views.pt", views()),
        save_torch("checkpoint.pt", checkpoint()),
        save_torch("protocol4.pt", {"state_dict": {"a": torch.ones(2), "score": np.float32(0.5)}}, pickle_protocol=4),
<<<<<<< HEAD
        *save_arrays(),
=======
        save_pickle("arrays3.pkl", arrays(), 3),
        save_pickle("arrays4.pkl", arrays(), 4),
>>>>>>> 153df2d (Pickles of NumPy arrays are read without running them; SqueezeNet v1.1)
    ]
    for path in paths:
        print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")
