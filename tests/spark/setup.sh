#!/usr/bin/env bash
# Makes one virtual environment per Spark line, outside the tree, and prints their SPARK_HOMEs.
# Idempotent: what is already installed is left alone.
set -euo pipefail

base="${SKEWER_SPARK:-${TMPDIR:-/tmp}/skewer-spark}"
export DEBIAN_FRONTEND=noninteractive

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
  echo "setup: installing $*" >&2
  as_root apt-get update -q >&2
  as_root apt-get install -q -y --no-install-recommends "$@" >&2
}

# Java 17 is what both lines of Spark run on; a distribution without it has a later one.
command -v java >/dev/null || apt_install openjdk-17-jre-headless || apt_install default-jre-headless
python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3 python3-venv

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
