"""Tiny files of the reference writers of safetensors, PyTorch and NumPy, read by the tests of @ahpa/weight-files.

Needs: torch, numpy, safetensors (pip). Run from the repository root: python scripts/golden/weight-files.py
"""

import enum
import json
import pickle
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path, PosixPath
from types import SimpleNamespace

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


class Mode(enum.Enum):
    MAX = "max"


class Settings(dict):
    """A class derived from dict, as configuration libraries have them."""


def plain_objects():
    """Everything beside tensors that `torch.load(weights_only=True)` reads."""
    return {
        "device": torch.device("cuda", 1),
        "cpu": torch.device("cpu"),
        "dtype": torch.bfloat16,
        "layout": torch.strided,
        "set": {3},
        "bytes": b"\x00\xffa",
        "bytearray": bytearray(b"\x01\x80"),
        "complex": 1.5 - 2j,
        "size": torch.Size([2, 3]),
        "counter": Counter("aab"),
        "keys": {None: 1, True: 2, 5: 3, (1, "a"): 4, 2.5: 6, (7,): 8},
        "ordered": OrderedDict([((0, 1), "x"), (None, "y")]),
        "integers": [2**63, -(2**70), 255, -1, 65536],
        "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        "attributes": with_attribute(torch.tensor([3.0])),
        "float8_e4m3fn": torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn),
        "float8_e5m2": torch.arange(256, dtype=torch.uint8).view(torch.float8_e5m2),
        "uint16": torch.tensor([0, 65535], dtype=torch.int32).to(torch.uint16),
        "uint32": torch.tensor([7], dtype=torch.int64).to(torch.uint32),
        "complex64": torch.tensor([[1 + 2j, -3j]], dtype=torch.complex64),
        "expanded": torch.tensor([2.0]).expand(3, 4),
    }


def with_attribute(tensor):
    tensor.note = "kept by torch"
    return tensor


def lightning():
    """A state dict beside what Lightning and its users put into a checkpoint."""
    return {
        "state_dict": OrderedDict([("weight", torch.arange(6.0).reshape(2, 3)), ("bias", torch.tensor([0.5, -1.0]))]),
        "callbacks": {Mode: {"path": PosixPath("/runs/a.ckpt"), "mode": Mode.MAX, "best": torch.tensor(0.25)}},
        "hyper_parameters": Settings(rate=1e-4, nested=Settings(depth=2)),
        "no_bytes": b"",
        "defaults": defaultdict(int, a=1),
        "frozen": frozenset([4]),
        "arguments": Namespace(model="SiT-B/2"),
        "simple": SimpleNamespace(a=[1, 2]),
        "function": len,
        "float16": np.float16(-0.3),
        "uint8": np.uint8(200),
        "int64": np.int64(2**62),
        "flag": np.bool_(True),
        "complex128": np.complex128(1 - 2j),
        "type": np.dtype("int32"),
        "big": np.array([1, -2, 3], dtype=">i4"),
        "column_major": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "words": np.array(["a", "bc"]),
        "random": np.random.RandomState(0).get_state(),
    }


def tensors_of(value):
    """JSON of a value that torch read: tensors as type, shape and bytes."""
    if isinstance(value, torch.Tensor):
        raw = value.detach().contiguous().flatten().view(torch.uint8) if value.numel() else []
        return {"dtype": str(value.dtype), "shape": list(value.shape), "bytes": bytes(raw.tolist()).hex()}
    if isinstance(value, (np.ndarray, np.generic)) and value.ndim:
        return {"dtype": str(value.dtype.newbyteorder("=")), "shape": list(value.shape), "values": value.tolist()}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, (complex, np.complexfloating)):
        return {"real": value.real, "imag": value.imag}
    if isinstance(value, (torch.dtype, torch.device, torch.layout, np.dtype)):
        return str(value)
    if isinstance(value, (Namespace, SimpleNamespace)):
        return tensors_of(vars(value))
    if isinstance(value, dict):
        return [[repr(key) if not isinstance(key, str) else key, tensors_of(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [tensors_of(item) for item in value]
    if isinstance(value, np.generic):
        return tensors_of(value.item())
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else {"object": repr(value)}


def save_expected(name, value, **options):
    """A file, and beside it what torch itself reads of it."""
    path = save_torch(name, value, **options)
    read = torch.load(path, weights_only=name in ("plain.pt", "old.pt"))
    expected = OUT / f"{name}.json"
    expected.write_text(json.dumps(tensors_of(read), ensure_ascii=True) + "\n")
    return [path, expected]


def save_text_pickle():
    """A pickle of protocol 0, all text, as Python 2 wrote by default."""
    value = {"integers": [1, -(2**70), 2**53], "floats": [0.5, -1e300, float("inf")], "text": "a\\b\n\u00e9\u4e2d\U0001f600"}
    value["none"], value["flags"], value["tuple"] = None, [True, False], ((1,), "x", (1, 2, 3, 4))
    (OUT / "text.pkl.json").write_text(json.dumps(tensors_of(pickle.loads(pickle.dumps(value, protocol=0)))) + "\n")
    return [save_pickle("text.pkl", value, 0), OUT / "text.pkl.json"]


def keep_equal(name, save, load):
    """Writes a file unless torch reads the same of the one that is there: these contain addresses of this process's memory."""
    path, expected = OUT / name, OUT / f"{name}.json"
    new = path.with_suffix(".new")
    save(new)
    text = json.dumps(tensors_of(load(new))) + "\n"
    if path.exists() and expected.exists() and json.dumps(tensors_of(load(path))) + "\n" == text:
        new.unlink()
    else:
        new.rename(path)
    expected.write_text(text)
    return [path, expected]


class Block(torch.nn.Module):
    """A block with a parameter, a buffer, a transient buffer and submodules that share weights."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 1)
        self.norm = torch.nn.BatchNorm2d(3)
        self.again = self.conv
        self.scale = torch.nn.Parameter(torch.tensor([2.0]))
        self.register_buffer("table", torch.arange(3, dtype=torch.int64))
        self.register_buffer("transient", torch.zeros(2), persistent=False)

    def forward(self, x):
        return self.norm(self.conv(x)) * self.scale


def save_modules():
    """The same module as TorchScript, traced and scripted, and pickled whole, with torch's state dict of it."""
    torch.manual_seed(0)
    block = Block().eval()
    with torch.no_grad():
        block.norm.running_mean.normal_()
    traced = torch.jit.trace(block, torch.ones(1, 2, 4, 4))
    state = lambda path: torch.jit.load(path).state_dict()
    whole = lambda path: torch.load(path, weights_only=False)["ema"].state_dict()
    return [
        *keep_equal("scripted.pt", torch.jit.script(block).save, state),
        *keep_equal("traced.pt", traced.save, state),
        *keep_equal("module.pt", lambda path: torch.save({"ema": block}, path), whole),
    ]


def save_old():
    """The form of before torch 1.6, as torch still writes it, with views and a whole module."""
    shared = torch.arange(4, dtype=torch.float16)
    value = {**views(), "a": shared[:2], "b": shared[1:], "epoch": 3, "flag": torch.tensor([True, False])}
    torch.manual_seed(0)
    block = Block()

    def save(content, **options):
        return lambda path: torch.save(content, path, _use_new_zipfile_serialization=False, **options)

    whole = lambda path: torch.load(path, weights_only=False).state_dict()
    return [
        *keep_equal("old.pt", save(value), lambda path: torch.load(path, weights_only=True)),
        *keep_equal("old4.pt", save(value, pickle_protocol=4), lambda path: torch.load(path, weights_only=False)),
        *keep_equal("module-old.pt", save(block), whole),
    ]


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    save_file(TENSORS, OUT / "reference.safetensors", metadata={"format": "pt"})
    paths = [
        OUT / "reference.safetensors",
        save_torch("types.pt", TENSORS),
        save_torch("views.pt", views()),
        save_torch("checkpoint.pt", checkpoint()),
        save_torch("protocol4.pt", {"state_dict": {"a": torch.ones(2), "score": np.float32(0.5)}}, pickle_protocol=4),
        *save_arrays(),
        *save_expected("plain.pt", plain_objects()),
        *save_expected("plain5.pt", plain_objects(), pickle_protocol=5),
        *save_expected("plain1.pt", plain_objects(), pickle_protocol=1),
        *save_text_pickle(),
        *save_expected("lightning.pt", lightning()),
        *save_modules(),
        *save_old(),
        save_pickle("arrays3.pkl", arrays(), 3),
        save_pickle("arrays4.pkl", arrays(), 4),
    ]
    for path in paths:
        print(f"wrote {path.relative_to(OUT.parents[3])} ({path.stat().st_size} bytes)")
