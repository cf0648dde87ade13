#!/usr/bin/env bash
# Makes one virtual environment per Spark line, outside the tree, and prints their SPARK_HOMEs.
# Idempotent: what is already installed is left alone.
set -euo pipefail

base="${SKEWER_SPARK:-${TMPDIR:-/tmp}/skewer-spark}"
export DEBIAN_FRONTEND=noninteractive

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if ! command -v java >/dev/null; then
  echo "setup: installing a Java runtime" >&2
  as_root apt-get update -q >&2
  as_root apt-get install -q -y --no-install-recommends openjdk-17-jre-headless >&2
fi
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "setup: installing Python's venv" >&2
  as_root apt-get update -q >&2
  as_root apt-get install -q -y --no-install-recommends python3-venv >&2
fi

install() { # folder, requirement
  local venv="$base/$1"
  if [ ! -e "$venv/.installed-$2" ]; then
    echo "setup: installing pyspark$2 into $venv" >&2
    mkdir -p "$base"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir "pyspark$2" >&2
    touch "$venv/.installed-$2"
  fi
  "$venv/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))'
}

install 3.5 '>=3.5,<3.6'
install 4 '>=4,<5'
