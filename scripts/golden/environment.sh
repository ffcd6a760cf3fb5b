#!/usr/bin/env bash
# Prints the Python of a virtual environment with PyTorch, diffusers, NumPy and SciPy, which it makes where there is none.
# Usage: scripts/golden/environment.sh [folder of the environment]
set -euo pipefail
environment=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/ahpa/golden}
python=$environment/bin/python
if ! "$python" -c 'import torch, diffusers, numpy, scipy, safetensors' 2>/dev/null; then
  python3 -m venv "$environment" >&2
  "$python" -m pip install --quiet torch==2.13.0 numpy scipy diffusers safetensors >&2
fi
echo "$python"
