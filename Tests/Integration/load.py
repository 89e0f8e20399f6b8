"""Seeded inputs for the integration runs: books, one surface an asset, account snapshots."""

import datetime
import json
import random
import threading
import time

from confluent_kafka import Producer

ASSETS = [f"T{number}" for number in range(8)]
STEP_SECONDS = 1.0  # of the market between two books of one asset


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def producer(bootstrap):
    return Producer({
        "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5,
        "enable.idempotence": True, "log_level": 0})


class Books:
    """A random walk of every asset with a crash now and then; the same for the same seed."""

    def __init__(self, seed, start):
        self.random = random.Random(seed)
        self.mids = {asset: 100.0 + 50 * number for number, asset in enumerate(ASSETS)}
        self.sequence = 0
        self.time = start

    def step(self):
        """The next book of every asset: (asset, time, body)."""
        self.sequence += 1
        self.time += STEP_SECONDS
        for asset in ASSETS:
            shock = self.random.gauss(0, 0.0004)
            if self.random.random() < 0.002:
                shock -= 0.03
            self.mids[asset] *= 1 + shock
            mid, size = self.mids[asset], self.random.uniform(50, 150)
            bids = [[f"{mid * (1 - 0.0005 * level):.6f}", f"{size * level:.3f}"]
                    for level in range(1, 11)]
            asks = [[f"{mid * (1 + 0.0005 * level):.6f}", f"{size * level:.3f}"]
                    for level in range(1, 11)]
            body = {"schema": "quote.v1", "asset": asset, "venue": "house", "kind": "book",
                    "time": rfc3339(self.time), "sequence": self.sequence, "bids": bids,
                    "asks": asks, "dailyVolume": "500000"}
            yield asset, self.time, body


class Accounts:
    """Snapshots of accounts that wander across their lines; the same for the same seed."""

    def __init__(self, seed, start, count):
        self.random = random.Random(seed)
        self.names = [f"A-{number}" for number in range(count)]
        self.sequences = dict.fromkeys(self.names, 0)
        self.time = start

    def snapshot(self, name, debt_share=None):
        self.sequences[name] += 1
        asset = ASSETS[hash_of(name) % len(ASSETS)]
        share = self.random.uniform(0.4, 1.02) if debt_share is None else debt_share
        value = 10 * (100.0 + 50 * ASSETS.index(asset))
        balances = [{"asset": asset, "quantity": "10"},
                    {"asset": "USD", "quantity": f"{-share * value:.2f}"}]
        return {"schema": "positions.v1", "account": name, "owner": name,
                "time": rfc3339(self.time), "sequence": self.sequences[name],
                "balances": balances, "positions": []}

    def step(self, count):
        """Snapshots of a few accounts: (account, time, body)."""
        self.time += STEP_SECONDS
        for name in self.random.sample(self.names, count):
            yield name, self.time, self.snapshot(name)

    def repaid(self):
        """One more of every account, which owes nothing."""
        return self.all_owing(lambda number: 0)

    def last(self):
        """One more of every account, some of every status.

        A worse status is left only some way beyond its line, so a status near the line depends on
        the one before. Where statuses are to be compared, all are healthy before: see `repaid`.
        """
        return self.all_owing(lambda number: 0.4 + 0.6 * number / len(self.names))

    def all_owing(self, share):
        self.time += STEP_SECONDS
        for number, name in enumerate(self.names):
            yield name, self.time, self.snapshot(name, share(number))


def hash_of(name):
    return sum(ord(letter) * 31 ** place for place, letter in enumerate(name))


class Feed(threading.Thread):
    """Sends what a generator yields, a step at a time, until it is stopped."""

    def __init__(self, bootstrap, topic, step, steps_per_second):
        super().__init__(daemon=True)
        self.producer, self.topic, self.step = producer(bootstrap), topic, step
        self.pause = 1 / steps_per_second
        self.is_stopping = threading.Event()
        self.failures, self.sent = [], 0

    def send(self, records):
        for key, seconds, body in records:
            while True:
                try:
                    self.producer.produce(
                        self.topic, json.dumps(body).encode(), key.encode(),
                        timestamp=int(seconds * 1000), on_delivery=self.note)
                    break
                except BufferError:
                    self.producer.poll(0.1)
            self.sent += 1
        self.producer.poll(0)

    def note(self, error, _):
        if error is not None:
            self.failures.append(str(error))

    def run(self):
        while not self.is_stopping.is_set():
            begun = time.monotonic()
            self.send(self.step())
            self.is_stopping.wait(max(0, self.pause - (time.monotonic() - begun)))

    def finish(self, last=()):
        """Stops, sends the last records, and makes sure that the brokers have everything."""
        self.is_stopping.set()
        if self.is_alive():
            self.join()
        self.send(last)
        if self.producer.flush(60) or self.failures:
            raise RuntimeError(f"the load was not delivered: {self.failures[:3]}")


def surfaces(start):
    """A flat surface of every asset, before the first book."""
    for asset in ASSETS:
        expiry = datetime.datetime.fromtimestamp(start + 30 * 86_400, datetime.timezone.utc)
        forward = 100.0 + 50 * ASSETS.index(asset)
        yield asset, start, {
            "schema": "iv-surface.v1", "asset": asset, "time": rfc3339(start), "sequence": 1,
            "expiries": [{"expiry": expiry.strftime("%Y-%m-%dT08:00:00Z"),
                          "forward": f"{forward}",
                          "strikes": [f"{forward * 0.8}", f"{forward}", f"{forward * 1.2}"],
                          "volatilities": [0.8, 0.7, 0.75]}]}
