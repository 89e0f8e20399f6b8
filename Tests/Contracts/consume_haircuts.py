#!/usr/bin/env python3
"""Reads haircut tables from a broker as a foreign consumer would, and holds them to the contract.

Usage: consume_haircuts.py BOOTSTRAP TOPIC COUNT TIMEOUT
Reads TOPIC from its beginning until COUNT tables were valid; fails at the first that is not, on
any error of the broker, and after TIMEOUT seconds.
"""

import collections
import sys
import time
import uuid
from decimal import Decimal

from confluent_kafka import (
    OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition)

from contracts import parse, problems, validator

STEP = 0.0005  # published haircuts are multiples of 5 basis points


def on_grid(fraction):
    return abs(fraction / STEP - round(fraction / STEP)) < 1e-6


def faults_of(schema, record, last_sequence):
    """What is wrong with one record; empty when nothing is."""
    body, key, headers = record.value(), record.key(), dict(record.headers() or [])
    if body is None:
        return ["a tombstone"]
    faults = problems(schema, body)
    if faults:
        return faults
    table = parse(body)
    if key != table["asset"].encode():
        faults.append(f"key {key!r} is not asset {table['asset']!r}")
    if headers.get("schema") != b"haircut.v1":
        faults.append(f"header schema is {headers.get('schema')!r}")
    if next(iter(table)) != "schema":
        faults.append("schema is not the first field")
    if table["sequence"] <= last_sequence.get(table["asset"], -1):
        faults.append(f"sequence {table['sequence']} does not grow")
    last_sequence[table["asset"]] = table["sequence"]

    tiers = table["tiers"]
    bound = "0"
    for tier, before in zip(tiers, [None, *tiers]):
        if bound is None or Decimal(tier["from"]) != Decimal(bound):
            faults.append(f"a tier begins at {tier['from']}, the one before ends at {bound}")
        bound = tier["to"]
        if bound is not None and Decimal(bound) <= Decimal(tier["from"]):
            faults.append(f"a tier from {tier['from']} ends at {bound}")
        for name in ("initial", "maintenance"):
            if not on_grid(tier[name]):
                faults.append(f"{name} {tier[name]} is no multiple of {STEP}")
            if before and tier[name] < before[name]:
                faults.append(f"{name} falls from {before[name]} to {tier[name]}")
        if tier["maintenance"] > tier["initial"]:
            faults.append(f"maintenance {tier['maintenance']} is above {tier['initial']}")
    if bound is not None:
        faults.append(f"the last tier ends at {bound}")
    for name in ("initial", "maintenance"):
        if table[name] != tiers[0][name]:
            faults.append(f"{name} {table[name]} is not that of the first tier")
    if not Decimal(table["price"]) <= Decimal(table["reference"]) <= Decimal(table["debtPrice"]):
        faults.append("price, reference and debtPrice are out of order")
    return faults


def partitions_of(consumer, topic, deadline):
    reason = "no time"
    while time.monotonic() < deadline:
        try:
            found = consumer.list_topics(topic, timeout=5).topics[topic]
            if not found.error and found.partitions:
                return sorted(found.partitions)
            reason = found.error or "it has no partitions"
        except KafkaException as error:
            reason = error.args[0]
        time.sleep(0.2)
    raise TimeoutError(f"topic {topic} cannot be read: {reason}")


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    bootstrap, topic, count, timeout = *arguments[:2], int(arguments[2]), float(arguments[3])
    if count < 1:
        print("COUNT must be at least 1", file=sys.stderr)
        return 2
    deadline = time.monotonic() + timeout
    schema = validator("haircut.v1")
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": f"contract-{uuid.uuid4()}",
        "enable.auto.commit": False, "isolation.level": "read_committed",
        "allow.auto.create.topics": False, "reconnect.backoff.max.ms": 500,
        "fetch.wait.max.ms": 50, "log_level": 0,
    })
    tables, last_sequence = collections.Counter(), {}
    try:
        partitions = partitions_of(consumer, topic, deadline)
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        while tables.total() < count and time.monotonic() < deadline:
            record = consumer.poll(0.2)
            if record is None:
                continue
            if record.error():
                if record.error().retriable() or record.error().code() == KafkaError._TRANSPORT:
                    continue
                print(f"FAULT {record.error()}")
                return 1
            faults = faults_of(schema, record, last_sequence)
            if faults:
                place = f"{topic}/{record.partition()}@{record.offset()}"
                for fault in faults:
                    print(f"FAULT {place}: {fault}")
                return 1
            tables[record.key().decode()] += 1
    except TimeoutError as error:
        print(f"FAULT {error}")
        return 1
    finally:
        consumer.close()
    spread = ", ".join(f"{asset} {tables[asset]}" for asset in sorted(tables)) or "none"
    print(f"haircuts: {tables.total()} of {count} tables valid ({spread})")
    return 0 if tables.total() >= count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
