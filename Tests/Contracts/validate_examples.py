#!/usr/bin/env python3
"""Checks every example of schemas/examples against its schema, and the manifest against both."""

import collections
import json
import re
import subprocess
import sys

from contracts import SCHEMAS, problems, validator

# Of messages with nothing of their own to refuse; "too-large" takes a body over 900 kB: the
# decoder's tests make one.
COMMON = {
    "empty-body", "malformed-json", "duplicate-field", "unknown-schema", "missing-field",
    "wrong-type", "out-of-range", "key-mismatch",
}
REFUSALS = {  # message: what its examples must be refused with, each at least once
    "quote.v1": COMMON | {
        "future-time", "crossed-book", "level-not-positive", "levels-out-of-order"},
    "iv-surface.v1": COMMON | {"future-time"},
    "haircut.v1": COMMON,
    "positions.v1": COMMON | {"future-time", "duplicate-asset", "duplicate-instrument"},
    "margin-requirement.v1": COMMON,
    "liquidation-alert.v1": COMMON,
    "exposure.v1": COMMON,
    "breaker.v1": COMMON,
    "control.v1": COMMON | {"future-time", "not-approved", "bad-expiry"},
}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def main():
    examples = SCHEMAS / "examples"
    manifest = json.loads((examples / "manifest.json").read_text("ascii"))
    schemas = {message: validator(message) for message in REFUSALS}
    faults = []
    counts = collections.Counter()
    seen = collections.defaultdict(set)

    listed = [entry["file"] for entry in manifest]
    on_disk = {
        str(path.relative_to(examples)) for path in examples.glob("*/*/*") if path.is_file()}
    faults += [f"{file}: listed twice" for file, n in collections.Counter(listed).items() if n > 1]
    faults += [f"{file}: not in the manifest" for file in sorted(on_disk - set(listed))]
    faults += [f"{file}: in the manifest, not on disk" for file in sorted(set(listed) - on_disk)]

    for entry in manifest:
        file, message = entry["file"], entry["message"]
        if message not in REFUSALS:
            faults.append(f"{file}: is of no known message")
        if file not in on_disk or message not in REFUSALS:
            continue
        kind = file.split("/")[1]
        if not file.startswith(f"{message}/") or kind not in ("valid", "invalid"):
            faults.append(f"{file}: is not in the folder of {message}")
            continue
        if not isinstance(entry["key"], str) or not TIMESTAMP.fullmatch(entry["timestamp"]):
            faults.append(f"{file}: needs a key and a timestamp with 6 fraction digits")
        found = problems(schemas[message], (examples / file).read_bytes())
        counts[message, kind] += 1
        if kind == "valid":
            faults += [f"{file}: should be valid: {problem}" for problem in found]
            if "refusal" in entry or "schemaRefuses" in entry:
                faults.append(f"{file}: is valid, yet names a refusal")
            continue
        seen[message].add(entry.get("refusal"))
        if entry.get("schemaRefuses") is not bool(found):
            faults.append(f"{file}: schemaRefuses is {entry.get('schemaRefuses')}, found {found}")

    for message in sorted(REFUSALS):
        missing, unknown = REFUSALS[message] - seen[message], seen[message] - REFUSALS[message]
        faults += [f"{message}: no example of {refusal}" for refusal in sorted(missing)]
        faults += [f"{message}: unknown refusal {refusal}" for refusal in sorted(unknown)]
        print(f"{message}: {counts[message, 'valid']} valid and {counts[message, 'invalid']} "
              f"invalid examples, {len(seen[message])} refusals")
        if not counts[message, "valid"] or not counts[message, "invalid"]:
            faults.append(f"{message}: no examples")
    headers = validator("dead-letter.v1.headers")
    prefix = "__connect.errors."
    letter = {
        prefix + "topic": "market.quotes.v1", prefix + "partition": "3", prefix + "offset": "991",
        prefix + "stage": "decode", prefix + "exception.class.name": "crossed-book",
        prefix + "exception.message": "best bid 61235 is not below best ask 61235",
    }
    faults += [f"dead-letter headers: {e.message}" for e in headers.iter_errors(letter)]
    for name in letter:
        if headers.is_valid({k: v for k, v in letter.items() if k != name}):
            faults.append(f"dead-letter headers: valid without {name}")
    print(f"dead-letter.v1.headers: {1 + len(letter)} sets of headers")

    written = subprocess.run(
        [sys.executable, examples / "make_examples.py", "--check"], capture_output=True, text=True)
    print(f"make_examples.py: {written.stdout.strip()}{written.stderr.strip()}")
    if written.returncode != 0:
        faults.append("the examples are not what make_examples.py writes")

    for fault in faults:
        print(f"FAULT {fault}")
    print(f"examples: {sum(counts.values())} checked, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
