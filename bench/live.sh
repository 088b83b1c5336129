#!/usr/bin/env bash
# What a call costs that is read as it comes: bench/live.sh [MODEL]
#
# One thread; the columns are explained at the head of the example. Without a model file, networks of a few kinds
# with drawn weights, `live`'s first.
set -euo pipefail
cd "$(dirname "$0")/.."
RAYON_NUM_THREADS=1 exec cargo run --quiet --release --locked -p traceward-stream --example speed -- "$@"
