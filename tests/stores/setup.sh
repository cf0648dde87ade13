#!/usr/bin/env bash
# Makes a virtual environment with an S3-compatible server (moto) outside the tree, and prints its python.
# Idempotent: what is already installed is left alone.
set -euo pipefail

venv="${SKEWER_STORES:-${TMPDIR:-/tmp}/skewer-stores}"
if [ ! -e "$venv/.installed" ]; then
  echo "setup: installing moto into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir 'moto[server]>=5,<6' >&2
  touch "$venv/.installed"
fi
echo "$venv/bin/python"
