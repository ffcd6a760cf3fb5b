"""A tiny file of the reference safetensors writer, read by the tests of @ahpa/weight-files.

Needs: torch, safetensors (pip). Run from the repository root: python scripts/golden/weight-files.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "packages/weight-files/test/golden/reference.safetensors"

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

if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save_file(TENSORS, OUT, metadata={"format": "pt"})
    print(f"wrote {OUT.relative_to(OUT.parents[4])} ({OUT.stat().st_size} bytes)")
