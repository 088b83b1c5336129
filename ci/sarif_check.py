#!/usr/bin/env python3
"""Checks a SARIF log against the official schema of SARIF 2.1.0, and against what code hosts ask beyond it.

    traceward doctor train.py --format sarif > doctor.sarif
    ci/sarif_check.py doctor.sarif --schema sarif-schema-2.1.0.json

Needs jsonschema. Fetches nothing: the schema is OASIS' and not kept here; the crate `serde-sarif` carries
it as `src/schema.json`, and where cargo has unpacked that crate, it is found without --schema.
"""

import argparse
import glob
import json
import os
import sys

import jsonschema


def bundled_schema():
    home = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
    found = sorted(glob.glob(os.path.join(home, "registry/src/*/serde-sarif-*/src/schema.json")))
    return found[-1] if found else None


def host_complaints(log):
    """What GitHub asks beyond the schema: every result stands somewhere, under a rule that is described."""
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for place, result in enumerate(run["results"]):
            name = f"result {place} ({result['ruleId']})"
            if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
                yield f"{name}: its rule index leads to another rule"
            if not result.get("locations"):
                yield f"{name}: no location"
            for location in result.get("locations", []):
                physical = location.get("physicalLocation", {})
                if "uri" not in physical.get("artifactLocation", {}):
                    yield f"{name}: no file"
                if physical.get("region", {}).get("startLine", 0) < 1:
                    yield f"{name}: no line"
            if not result.get("partialFingerprints"):
                yield f"{name}: no fingerprint"
        prints = [json.dumps(result["partialFingerprints"], sort_keys=True) for result in run["results"]]
        if len(set(prints)) < len(prints):
            yield "two results have one fingerprint"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log")
    parser.add_argument("--schema", default=bundled_schema())
    arguments = parser.parse_args()
    if arguments.schema is None:
        sys.exit("no schema: name one with --schema")
    with open(arguments.schema, encoding="utf-8") as file:
        schema = json.load(file)
    with open(arguments.log, encoding="utf-8") as file:
        log = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())
    complaints = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(log)]
    complaints += host_complaints(log)
    for complaint in complaints:
        print(complaint)
    results = sum(len(run["results"]) for run in log["runs"])
    if complaints:
        sys.exit(f"{len(complaints)} complaints about {arguments.log}")
    print(f"{arguments.log}: {results} results, as SARIF 2.1.0 asks")


if __name__ == "__main__":
    main()
