#!/usr/bin/env bash
# Times a training epoch of traceward beside Keras and PyTorch and prints a Markdown table.
#
#   bench/run.sh [ADFA-LD.zip] [flags of bench/peers.py]
#
# The zip is the first argument, or adfa-ld/ADFA-LD.zip under $TRACEWARD_DATA. $PYTHON is a Python that has what
# reference/requirements.txt lists; without it a virtual environment is made in .cache/peers. $BINARY is the program
# to time; without it the release build of this tree.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${TRACEWARD_DATA:-}/adfa-ld/ADFA-LD.zip
if [[ ${1:-} == *.zip ]]; then
    data=$1
    shift
fi
if [[ ! -f $data ]]; then
    echo "bench/run.sh: give ADFA-LD.zip as the first argument, or set TRACEWARD_DATA" >&2
    exit 2
fi

if [[ -z ${PYTHON:-} ]]; then
    PYTHON=.cache/peers/bin/python
    if [[ ! -x $PYTHON ]]; then
        python3 -m venv .cache/peers
        "$PYTHON" -m pip install --quiet -r reference/requirements.txt
    fi
fi
if [[ -z ${BINARY:-} ]]; then
    cargo build --release -p traceward
    BINARY=${CARGO_TARGET_DIR:-target}/release/traceward
fi

# Set on some machines so that one BLAS pretends another core: the peers would not run as they do elsewhere.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
exec "$PYTHON" bench/peers.py --data "$data" --binary "$BINARY" "$@"
