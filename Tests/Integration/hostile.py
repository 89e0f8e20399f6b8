#!/usr/bin/env python3
"""Feeds quotes and surfaces nobody should send, for a number of seconds.

Usage: hostile.py BOOTSTRAP SECONDS SEED
Every kind of record would make a careless reader keep something: names that never come again, keys
and headers without end, bodies at and over the limit, nesting, long numbers, long texts.
"""

import json
import random
import sys
import time

from confluent_kafka import Producer

TOPICS = ["market.quotes.v1", "market.iv-surfaces.v1"]
BYTES_PER_SECOND = 3_000_000


def book(chance, number, **changes):
    body = {"schema": "quote.v1", "asset": f"X{number}", "venue": f"v{number}", "kind": "book",
            "time": "2025-10-10T12:00:00Z", "sequence": number,
            "bids": [["100", "1"]], "asks": [["101", "1"]], **changes}
    return json.dumps(body).encode()


def records(chance):
    """Topic, key, body and headers, without end."""
    number = 0
    while True:
        number += 1
        topic, key, headers = chance.choice(TOPICS), f"X{number}".encode(), []
        kind = chance.randrange(12)
        if kind == 0:
            body = chance.randbytes(chance.randrange(1, 4_000))
        elif kind == 1:
            body = b"[" * 50_000
        elif kind == 2:
            body = b'{"schema":"quote.v1","asset":"' + b"A" * 100_000 + b'"}'
        elif kind == 3:
            body = book(chance, number, bids=[["9" * 5_000, "1"]])
        elif kind == 4:
            body = book(chance, number)  # of an asset that nobody configured
        elif kind == 5:
            body = book(chance, number, asset="BTC", venue=f"venue-{number}")
            key = b"BTC"
        elif kind == 6:
            body = book(chance, number, bids=[[f"{90 - n / 100}", "1"] for n in range(600)])
        elif kind == 7:
            body = b" " * chance.choice([900_000, 900_001, 950_000])
        elif kind == 8:
            body, headers = book(chance, number), [(f"h{n}", b"x" * 500) for n in range(100)]
        elif kind == 9:
            key, body = chance.randbytes(5_000), book(chance, number)
        elif kind == 10:
            body = json.dumps({f"field-{number}-{n}": n for n in range(2_000)}).encode()
        else:
            body = None
        yield topic, key, body, headers


def main(bootstrap, seconds, seed):
    chance = random.Random(seed)
    producer = Producer({
        "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "log_level": 0,
        "linger.ms": 5, "message.max.bytes": 2_000_000})
    begun, sent, count = time.monotonic(), 0, 0
    for topic, key, body, headers in records(chance):
        passed = time.monotonic() - begun
        if passed > seconds:
            break
        if sent > passed * BYTES_PER_SECOND:
            producer.poll(0.01)
            continue
        try:
            producer.produce(topic, body, key, headers=headers)
        except BufferError:
            producer.poll(0.1)
            continue
        sent += len(body or b"") + len(key) + sum(len(value) for _, value in headers)
        count += 1
    left = producer.flush(20)
    print(f"{count} records, {sent / 1e6:.0f} MB, {left} undelivered")
    return 1 if left else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
