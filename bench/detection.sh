#!/usr/bin/env bash
# Every figure of docs/detection.md, made again: bench/detection.sh ADFA-LD.zip [UNM] [OUT] [STEP...]
#
# Writes one JSON file a step to OUT (default: detection-results) and goes on where it was cut off. Without
# STEPs all run, which takes about two hours on two idle cores; the names of steps are the words after `step`.
set -euo pipefail
data=${1:?usage: bench/detection.sh ADFA-LD.zip [UNM] [OUT] [STEP...]}
unm=${2:-}
out=${3:-detection-results}
shift $(($# < 3 ? $# : 3))
wanted=("$@")
traceward=${TRACEWARD:-target/release/traceward}
mkdir -p "$out"

# step NAME COMMAND...: the command's JSON goes to OUT/NAME.json.
step() {
    local name=$1
    shift
    if ((${#wanted[@]})) && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
    if [[ -s $out/$name.json ]]; then return; fi
    printf '== %s: %s\n' "$name" "$*" >&2
    "$@" --format json >"$out/$name.json.part"
    mv "$out/$name.json.part" "$out/$name.json"
}

# The table of the simple methods, to show that the protocol is the same.
step svm-last-200 "$traceward" eval "$data" --model svm-last-200
step svm-3 "$traceward" eval "$data" --model svm-3
step svm "$traceward" eval "$data" --model svm
step svm-position "$traceward" eval "$data" --model svm-position
step svm-positions "$traceward" eval "$data" --model svm-positions
step knn "$traceward" eval "$data" --model knn
step extra-trees "$traceward" eval "$data" --model extra-trees --seeds 3
step gbdt "$traceward" eval "$data" --model gbdt --seeds 3
step gbdt-similarity "$traceward" eval "$data" --model gbdt-similarity --seeds 3

# What wins, beside the best baseline, compared in pairs.
step recommended "$traceward" eval "$data" --model recommended,gbdt-similarity,svm-positions --seeds 3
step network "$traceward" eval "$data" --model network --seeds 3
step live "$traceward" eval "$data" --model live --seeds 3 --early
step article-5 "$traceward" eval "$data" --model article-5
step early "$traceward" eval "$data" --model recommended --early

# Unknown attacks.
step leave-one-family-out "$traceward" eval "$data" --protocol leave-one-family-out --model recommended
step normal-only "$traceward" eval "$data" --protocol normal-only --model novelty
if [[ -n $unm ]]; then
    for program in synthetic-sendmail login-and-ps xlock; do
        step "unm-$program" "$traceward" eval "$unm/$program" --protocol normal-only --model novelty
    done
fi

# What papers report: copies on both sides.
step random "$traceward" eval "$data" --protocol random --model gbdt
