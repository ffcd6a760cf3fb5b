#!/usr/bin/env bash
# Makes every golden file again, in an environment with PyTorch and diffusers.
# Usage: scripts/golden/make.sh [folder of the environment]
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$(scripts/golden/environment.sh "$@")
"$python" -m pip install --quiet pillow datasets webdataset >&2 # their files and labels, for @ahpa/image-data
for script in scripts/golden/*.py; do
  case $script in *-parity.py) continue ;; esac # tests run that one themselves
  "$python" "$script"
done
