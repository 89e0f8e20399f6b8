#!/usr/bin/env python3
"""Writes the examples of this folder and their manifest; with --check, only compares.

Each example differs from a plain message in the one thing its name says. `examples()` is the
list: read it as the contract's rules, each with a message on both sides of it.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True

from account_examples import alerts, positions, requirements  # noqa: E402
from example_rules import Collection  # noqa: E402
from loop_examples import breakers, controls, exposures  # noqa: E402
from market_examples import haircuts, quotes, surfaces  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def examples():
    to = Collection()
    for message in (quotes, surfaces, haircuts, positions, requirements, alerts, exposures,
                    breakers, controls):
        message(to)
    return to


def main():
    collection = examples()
    lines = ",\n".join("  " + json.dumps(entry) for entry in collection.entries)
    wanted = dict(collection.files)
    wanted["manifest.json"] = f"[\n{lines}\n]\n".encode("ascii")
    present = {
        str(path.relative_to(HERE)): path for path in HERE.rglob("*.json")
    }
    stale = [name for name in present if name not in wanted]
    different = [
        name for name, body in wanted.items()
        if name not in present or present[name].read_bytes() != body
    ]
    if "--check" in sys.argv[1:]:
        for name in stale + different:
            print(f"schemas/examples/{name} is not what make_examples.py writes")
        print(f"{len(wanted)} files compared, {len(stale) + len(different)} differ")
        return 1 if stale or different else 0
    for name in stale:
        present[name].unlink()
    for name in different:
        (HERE / name).parent.mkdir(parents=True, exist_ok=True)
        (HERE / name).write_bytes(wanted[name])
    print(f"{len(collection.entries)} examples, {len(different)} written, {len(stale)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
