#!/usr/bin/env python3
"""Holds the dashboard and the alert rules to the metrics that the program makes."""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def names_made():
    """Every metric name in the sources, also those put together from a counter's name."""
    text = "".join(path.read_text("utf-8") for path in sorted(ROOT.glob("Sources/**/*.swift")))
    made = set(re.findall(r'"((?:breakwater|process)_[a-z_]+)"', text))
    made |= {f"breakwater_{name}_total" for name in re.findall(
        r'(?:counter|family)\(\s*"([a-z_]+)"', text)}
    return made


def expressions():
    dashboard = json.loads((ROOT / "docker/grafana/breakwater.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    rules = yaml.safe_load((ROOT / "docker/alerts.yaml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]


def main():
    made, faults, count = names_made(), [], 0
    for place, expression in expressions():
        used = re.findall(r"\b(?:breakwater|process)_[a-z_]+\b", expression)
        count += len(used)
        faults += [f"{place}: nobody makes {name}" for name in used if name not in made]
    if count < 10:
        faults.append("hardly a metric is used: the reading is at fault")
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"dashboard and alerts: {count} uses of metrics, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
