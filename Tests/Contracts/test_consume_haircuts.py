#!/usr/bin/env python3
"""Shows that consume_haircuts.py accepts what the contract allows and refuses what it does not.

The broker is librdkafka's embedded one, in this process; the consumer is another process.
"""

import copy
import json
import pathlib
import subprocess
import sys

from confluent_kafka import Producer

from contracts import SCHEMAS

SCRIPT = pathlib.Path(__file__).with_name("consume_haircuts.py")
HEADERS = {"schema": b"haircut.v1"}


def cases():
    """Name, records as (key, headers, table), and whether they are to be accepted."""
    plain = json.loads((SCHEMAS / "examples/haircut.v1/valid/normal.json").read_text("utf-8"))

    def table(**changes):
        result = copy.deepcopy(plain)
        result.update(changes)
        return result

    def tiers(place, **changes):
        result = table()
        result["tiers"][place].update(changes)
        return result

    second = table(sequence=plain["sequence"] + 1)
    other = table(asset="ETH")
    reordered = dict(reversed(plain.items()))
    btc = ("BTC", HEADERS)
    yield "two-assets", [(*btc, plain), ("ETH", HEADERS, other), (*btc, second)], True
    yield "another-key", [("ETH", HEADERS, plain)], False
    yield "no-header", [("BTC", {}, plain)], False
    yield "another-header", [("BTC", {"schema": b"haircut.v2"}, plain)], False
    yield "schema-not-first", [(*btc, reordered)], False
    yield "repeated-sequence", [(*btc, plain), (*btc, plain)], False
    yield "off-the-grid", [(*btc, tiers(1, initial=0.0607))], False
    yield "falling-tiers", [(*btc, tiers(1, maintenance=0.0335))], False
    yield "gap-between-tiers", [(*btc, tiers(1, **{"from": "200000"}))], False
    yield "maintenance-above-initial", [(*btc, tiers(1, maintenance=0.061))], False
    yield "not-of-the-first-tier", [(*btc, table(initial=0.053))], False
    yield "price-above-reference", [(*btc, table(price="61250"))], False
    yield "against-the-schema", [(*btc, table(state="open"))], False
    yield "tombstone", [(*btc, None)], False


def main():
    producer = Producer({
        "bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0, "linger.ms": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    bootstrap = f"{broker.host}:{broker.port}"
    faults, count = [], 0

    def consume(topic, wanted, timeout):
        return subprocess.run(
            [sys.executable, SCRIPT, bootstrap, topic, str(wanted), str(timeout)],
            capture_output=True, text=True)

    for name, records, is_accepted in cases():
        for key, headers, table in records:
            body = None if table is None else json.dumps(table).encode()
            producer.produce(name, body, key.encode(), partition=0, headers=headers)
        if producer.flush(10) != 0:
            faults.append(f"{name}: could not be produced")
            continue
        result = consume(name, len(records), 20)
        count += 1
        if result.returncode != (0 if is_accepted else 1) or (
                not is_accepted and "FAULT " not in result.stdout):
            faults.append(f"{name}: {result.returncode}, {result.stdout}{result.stderr}")
    if consume("two-assets", 4, 3).returncode != 1:
        faults.append("too few tables were enough")
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"consume_haircuts.py: {count + 1} cases, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
