#!/usr/bin/env bash
# Every figure of docs/detection.md, made again: bench/detection.sh ADFA-LD.zip [UNM] [OUT] [STEP...]
#
# Writes one JSON file a step to OUT (default: detection-results) and goes on where it was cut off. Without
# STEPs all run, which takes about an hour on two idle cores; the names of steps are the words after `step`.
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
for model in svm-last-200 svm-3 svm svm-position svm-positions knn extra-trees gbdt; do
    step "$model" "$traceward" eval "$data" --model "$model" --no-compare
done

# What wins, beside the best baselines, compared in pairs; networks alone.
step recommended "$traceward" eval "$data" --model recommended,gbdt-similarity,svm-positions
for preset in network live article-5; do
    step "$preset" "$traceward" eval "$data" --preset "$preset" --no-compare
done

# After how many calls it is known.
for preset in recommended live; do
    [[ -d $out/$preset-run ]] || "$traceward" train "$data" --preset "$preset" --out "$out/$preset-run" --quiet >/dev/null
    step "$preset-early" "$traceward" eval "$out/$preset-run" "$data" --early
done

# Unknown attacks.
step leave-one-family-out "$traceward" eval "$data" --protocol leave-one-family-out --model recommended --seeds 1
step normal-only "$traceward" eval "$data" --protocol normal-only --model novelty --seeds 1
if [[ -n $unm ]]; then
    for program in synthetic-sendmail xlock; do
        step "unm-$program" "$traceward" eval "$unm/$program" --protocol normal-only --model novelty --seeds 5
    done
    for program in login ps; do
        step "unm-$program" "$traceward" eval "$unm/login-and-ps" --only "$program" --protocol normal-only --model novelty --seeds 5
    done
fi

# What papers report: copies on both sides.
step random "$traceward" eval "$data" --protocol random --model gbdt --seeds 1
