#!/usr/bin/env python3
"""Plants known bugs in a copy of the sources and shows that the simulation catches each.

Each bug is an edit of mutations.toml that must match its file exactly once. The copy is built,
and simulated without bugs first: what fails there would prove nothing. Prints a table, bug by bug,
with the first seed that caught it and the promise it broke; fails unless every bug is caught.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
KEPT_TESTS = {"SimulationTests"}


def trimmed_manifest(text: str) -> str:
    """The package without test targets and programs that the simulation does not need."""
    out, index = "", 0
    pattern = re.compile(r"\n        (?:tests|\.executableTarget)\(")
    while match := pattern.search(text, index):
        depth, end = 0, match.end() - 1
        while True:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
            if depth == 0:
                break
        if text[end] == ",":
            end += 1
        block = text[match.start():end]
        name = re.search(r'"(\w[\w-]*)"', block).group(1)
        out += text[index:match.start()] + (block if name in KEPT_TESTS else "")
        index = end
    return out + text[index:]


def copy_sources(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in ("Sources", "Tests"):
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(ROOT / name, target / name)
    manifest = (ROOT / "Package.swift").read_text()
    (target / "Package.swift").write_text(trimmed_manifest(manifest))
    resolved = ROOT / "Package.resolved"
    if resolved.exists():
        shutil.copy(resolved, target / "Package.resolved")


def simulate(target: Path, seeds: str, limit: int) -> tuple[bool, str]:
    """Whether all promises were kept, and what the run printed."""
    environment = dict(os.environ, SIMULATION_SEEDS=seeds, SIMULATION_SHRINK="0")
    command = [
        "swift", "test", "-c", "release", "--disable-xctest", "--disable-testable-imports",
        "--filter", "SimulationTests",
    ]
    try:
        run = subprocess.run(
            command, cwd=target, env=environment, text=True, timeout=limit,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
        return False, (output if isinstance(output, str) else output.decode()) + "\ntimed out"
    if "error: " in run.stdout and "Test run" not in run.stdout and "Build complete" \
            not in run.stdout:
        sys.exit(f"the copy does not build:\n{run.stdout[-4000:]}")
    return run.returncode == 0, run.stdout


def verdict(output: str) -> tuple[str, str]:
    """The lowest seed that failed and what it broke."""
    found = [(int(seed), rule) for seed, rule in re.findall(
        r"seed (\d+): not true: ([^.]*)\.", output)]
    if found:
        return str(min(found)[0]), min(found)[1]
    if "timed out" in output:
        return "-", "the simulation does not end"
    failed = re.search(r"Test (\w+)\([^\n]*recorded an issue", output)
    if failed:
        return "-", f"`{failed.group(1)}()`"
    return "-", "the process stopped"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="400", help="a count or a range")
    parser.add_argument("--only", help="a part of a bug's name")
    parser.add_argument("--copy", type=Path, default=ROOT / ".build" / "mutations")
    parser.add_argument("--limit", type=int, default=900, help="seconds for one bug")
    arguments = parser.parse_args()
    mutations = tomllib.loads((HERE / "mutations.toml").read_text())["mutation"]
    for mutation in mutations:
        count = (ROOT / mutation["file"]).read_text().count(mutation["old"])
        if count != 1:
            sys.exit(f"{mutation['bug']}: its text is {count} times in {mutation['file']}")
    copy_sources(arguments.copy)
    kept, output = simulate(arguments.copy, arguments.seeds, arguments.limit)
    if not kept:
        sys.exit(f"promises are broken without any bug planted:\n{output[-4000:]}")
    print("| bug | caught by seed | promise that was broken |\n|---|---|---|", flush=True)
    missed = 0
    for mutation in mutations:
        if arguments.only and arguments.only not in mutation["bug"]:
            continue
        file = arguments.copy / mutation["file"]
        sound = file.read_text()
        file.write_text(sound.replace(mutation["old"], mutation["new"]))
        kept, output = simulate(arguments.copy, arguments.seeds, arguments.limit)
        file.write_text(sound)
        seed, rule = ("**not caught**", "") if kept else verdict(output)
        missed += kept
        print(f"| {mutation['bug']} | {seed} | {rule} |", flush=True)
    if missed:
        sys.exit(f"{missed} bugs were not caught")


if __name__ == "__main__":
    main()
