#!/usr/bin/env python3
"""Checks schemas/asyncapi.yaml: its form, its references, and that topics and messages meet."""

import json
import pathlib
import sys

import yaml
from jsonschema import Draft7Validator

from contracts import SCHEMAS

CHANNELS = {  # topic: message, cleanup policy
    "market.quotes.v1": ("quote.v1", "delete"),
    "market.iv-surfaces.v1": ("iv-surface.v1", "compact"),
    "accounts.positions.v1": ("positions.v1", "compact"),
    "risk.controls.v1": ("control.v1", "compact"),
    "risk.haircuts.v1": ("haircut.v1", "compact"),
    "risk.margin-requirements.v1": ("margin-requirement.v1", "compact"),
    "risk.liquidation-alerts.v1": ("liquidation-alert.v1", "delete"),
    "risk.breakers.v1": ("breaker.v1", "delete"),
    "risk.exposures.v1": ("exposure.v1", "compact"),
    "breakwater.checkpoints.v1": ("checkpoint.v1", "compact"),
    "breakwater.dead-letters.v1": ("dead-letter", "delete"),
}


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        yield from references(inner)


def resolve(document, reference):
    """What a reference points to; LookupError or OSError where it points nowhere."""
    if not reference.startswith("#/"):
        return json.loads((SCHEMAS / reference).read_text("utf-8"))
    place = document
    for step in reference[2:].split("/"):
        place = place[step]
    return place


def main():
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
    schema = pathlib.Path(__file__).with_name("asyncapi-3.0.0.schema.json")
    faults = [
        f"{'.'.join(str(step) for step in error.absolute_path)}: {error.message[:300]}"
        for error in Draft7Validator(json.loads(schema.read_text("utf-8"))).iter_errors(document)
    ]
    found = list(references(document))
    for reference in found:
        try:
            resolve(document, reference)
        except (LookupError, OSError, ValueError) as error:
            faults.append(f"{reference} points nowhere: {error!r}")

    if not faults:
        channels = {c["address"]: c for c in document["channels"].values()}
        if set(channels) != set(CHANNELS):
            faults.append(f"topics are {sorted(channels)}, not {sorted(CHANNELS)}")
        for topic in sorted(set(channels) & set(CHANNELS)):
            message, policy = CHANNELS[topic]
            binding = channels[topic]["bindings"]["kafka"]
            policies = binding["topicConfiguration"]["cleanup.policy"]
            if binding["topic"] != topic or policies != [policy]:
                faults.append(f"{topic}: binding is {binding}, not {policy} on that topic")
            for entry in channels[topic]["messages"].values():
                entry = resolve(document, entry["$ref"])
                if entry["name"] != message:
                    faults.append(f"{topic}: carries {entry['name']}, not {message}")
                if "key" not in entry["bindings"]["kafka"]:
                    faults.append(f"{topic}: {message} has no key")
                if "payload" not in entry:
                    continue
                body = resolve(document, entry["payload"]["schema"]["$ref"])
                if body["properties"]["schema"]["const"] != message:
                    faults.append(f"{topic}: the schema of {message} is that of another message")
        used = {resolve(document, o["channel"]["$ref"])["address"]
                for o in document["operations"].values()}
        faults += [f"{topic}: no operation uses it" for topic in sorted(set(channels) - used)]

    for fault in faults:
        print(f"FAULT {fault}")
    print(f"asyncapi.yaml: AsyncAPI {document.get('asyncapi')}, "
          f"{len(document['channels'])} topics, {len(document['operations'])} operations, "
          f"{len(found)} references, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
