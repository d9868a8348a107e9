#!/bin/sh
# Starts the app. The first start makes a Python environment in .venv, which takes some minutes; later ones take seconds.
# Options go to Streamlit, such as --server.port=8502. EXPRESSION_LAB_REQUIREMENTS chooses another file of requirements.
set -eu
cd "$(dirname "$0")"
requirements=${EXPRESSION_LAB_REQUIREMENTS:-requirements.txt}

good() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

if [ ! -x .venv/bin/python ] || ! good .venv/bin/python; then
  found=""
  for name in python3.12 python3.13 python3.11 python3 python; do
    if good "$name"; then
      found=$name
      break
    fi
  done
  if [ -z "$found" ]; then
    echo "Python 3.11, 3.12 or 3.13 is needed. Get it from python.org/downloads, or from your system's packages," >&2
    echo "and start this file again. docs/installation.md says more." >&2
    exit 1
  fi
  echo "Making a Python environment in $(pwd)/.venv ..."
  rm -rf .venv
  if ! "$found" -m venv .venv; then
    rm -rf .venv
    echo "The environment could not be made. On Debian and Ubuntu: sudo apt install python3-venv" >&2
    exit 1
  fi
fi

# What was installed is written down, so that a start installs again only where the requirements have changed.
wanted=$(cat requirements*.txt | cksum)-$requirements
if [ "$(cat .venv/installed 2>/dev/null)" != "$wanted" ]; then
  echo "Installing what the app needs, about a gigabyte; this takes some minutes ..."
  if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"; then
    echo "The installation broke off. Look whether this computer is connected to the internet, and start again." >&2
    exit 1
  fi
  echo "$wanted" > .venv/installed
fi

echo "Starting. Your browser opens in a moment; close this window to end the app."
exec .venv/bin/python -m streamlit run app.py --server.address=localhost "$@"
