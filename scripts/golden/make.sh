#!/usr/bin/env bash
# Makes every golden file again: a virtual environment with PyTorch and diffusers, then each script of this folder.
# Usage: scripts/golden/make.sh [folder of the environment]
set -euo pipefail
cd "$(dirname "$0")/../.."
environment=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/ahpa/golden}
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet torch==2.13.0 numpy scipy diffusers safetensors pillow==13.0.0
for script in scripts/golden/*.py; do
  case $script in *-parity.py) continue ;; esac # tests run that one themselves
  "$environment/bin/python" "$script"
done
