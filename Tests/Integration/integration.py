#!/usr/bin/env python3
"""Kills Breakwater under load, again and again, and holds what it published to its promises.

Usage: integration.py --bootstrap HOST:PORT [--kills 18] [--phases haircut,margin,all,deploy]
                      [--restart-broker COMMAND] [--seed N] [--keep]
       integration.py --embedded [--kills 3] …

Each phase starts two processes, feeds them seeded input, kills one of the two at a random moment
(every tenth time it is frozen for longer than its session instead), starts it again, and waits for
progress. Three times of four it is the static member, which takes up its work again within seconds;
the other's partitions wait for its session and for its open transaction, up to 20 s. Readers of
committed records must then have seen, for each asset and account, sequences 1, 2, 3, … without gap
or repeat, and exactly the alerts that consecutive requirements call for; the newest tables and
requirements must equal those of one process that was never interrupted.

The last phase replaces one process after the other, as a deployment does, and once kills one for
good; it measures for how long an asset had no table.

With --embedded the broker is Breakwater's own, which knows no isolation: delivery is at-least-once
and a sequence may come again, with the same content. It shows that this program works, not that
transactions do.
"""

import argparse
import random
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from load import Accounts, Books, Feed, rfc3339, surfaces
from outputs import (
    alert_faults, difference_faults, newest, partition_faults, sequence_faults)
from processes import OTHER, PROGRAM, Bus, Service, write_configuration

# Of the market: years back, for a broker refuses records that are later than its own clock.
START = 1_700_000_000.0
FREEZE_SECONDS = 15  # longer than a session of 10 s
STATIC_SHARE = 0.75  # of the disturbances
MARKER_SECONDS = 6  # for a commit's markers; less than the time-out of an open transaction, 10 s
UNSTABLE = ("sequence", "time", "cause")  # of a requirement: when it was published


class Run:
    """Two processes of one role on their topics, and what was seen of them."""

    def __init__(self, bus, folder, name, topics, role, delivery, processes=2, static=1):
        self.bus, self.topics, self.name = bus, topics, name
        bus.create(topics)
        path = write_configuration(
            folder, bus.bootstrap, f"{bus.name}-{name}", topics, delivery)
        # The first ones are static members, which take their partitions up again at once.
        self.services = [
            Service(path, role, f"{name}-static-{number}" if number < static else None)
            for number in range(processes)]
        self.recoveries, self.freezes = [], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends what still runs: nothing does unless something failed."""
        for service in self.services:
            service.end()

    def start(self):
        for service in self.services:
            service.start()
        for service in self.services:
            service.wait_until_ready()

    def progress(self, key):
        return sum(self.bus.ends(self.topics[key]).values())

    def disturb(self, chance, kills, key, restart_broker=None):
        """Kills or freezes one process at a time; after each there must be progress on a topic."""
        for number in range(1, kills + 1):
            before = self.progress(key)
            victim = self.services[0 if chance.random() < STATIC_SHARE else 1]
            time.sleep(chance.uniform(0, 1.5))
            if number % 10 == 0:
                victim.process.send_signal(signal.SIGSTOP)
                time.sleep(FREEZE_SECONDS)
                victim.process.send_signal(signal.SIGCONT)
                self.freezes += 1
            else:
                victim.kill()
                victim.start()
                self.recoveries.append(victim.wait_until_ready())
            if restart_broker and number == max(1, kills // 2):
                subprocess.run(shlex.split(restart_broker), check=True, timeout=300)
            deadline = time.monotonic() + 90
            while self.progress(key) <= before:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no progress on {key} after disturbance {number}")
                time.sleep(0.2)
            for service in self.services:
                service.check()
            print(f"  {self.name}: {number} of {kills}", end="\r", flush=True)
        print()

    def stop(self):
        """SIGTERM for all; the seconds each took, at most 10."""
        return [service.terminate() for service in self.services]

    def logs(self):
        """The last lines of each process, for whoever has to find out why."""
        return "".join(f"\n--- process {number}:\n{service.text()[-4000:]}"
                       for number, service in enumerate(self.services))

    def settle(self, key, is_done, timeout=180):
        """Reads a topic until its newest values are the final ones; gives all its records."""
        deadline = time.monotonic() + timeout
        while True:
            records = self.bus.read(self.topics[key])
            missing = is_done(newest(records))
            if not missing:
                return records
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: never final on {key}: {missing}{self.logs()}")
            time.sleep(2)


class Trial:
    def __init__(self, arguments, bus, folder):
        self.arguments, self.bus, self.folder = arguments, bus, folder
        self.delivery = "at-least-once" if arguments.embedded else "exactly-once"
        self.may_repeat = arguments.embedded
        self.chance = random.Random(arguments.seed)
        self.faults, self.figures = [], []
        # Made before anything else, because later phases need the haircuts of an undisturbed run.
        self.market = bus.topics("undisturbed", shared=("quotes", "ivSurfaces", "positions"))

    def note(self, what, faults):
        self.faults += [f"{what}: {fault}" for fault in faults[:10]]
        if len(faults) > 10:
            self.faults.append(f"{what}: and {len(faults) - 10} more")

    def check_outputs(self, run, keys):
        topics = [*keys, "liquidationAlerts"] if "marginRequirements" in keys else keys
        if not self.arguments.embedded:
            self.wait_for_markers(run, topics)
        for key in keys:
            records = self.bus.read(run.topics[key])
            self.note(f"{run.name} {key}", partition_faults(records))
            self.note(f"{run.name} {key}", sequence_faults(records, self.may_repeat))
            if not self.arguments.embedded:
                topic = run.topics[key]
                hidden = len(self.bus.read(topic, committed=False)) - len(records)
                self.figures.append(
                    f"{run.name} {key}: {len(records)} records, {hidden} aborted ones hidden")
        if "marginRequirements" in keys:
            requirements = self.bus.read(run.topics["marginRequirements"])
            alerts = self.bus.read(run.topics["liquidationAlerts"])
            if self.may_repeat:
                requirements, alerts = once(requirements, "sequence"), once(alerts, "id")
            self.note(f"{run.name} alerts", alert_faults(requirements, alerts))
            self.figures.append(f"{run.name}: {len(alerts)} alerts")

    def wait_for_markers(self, run, keys):
        """After SIGTERM nothing is open: soon, for a commit is answered before it is marked."""
        deadline = time.monotonic() + MARKER_SECONDS
        for key in keys:
            topic = run.topics[key]
            while self.bus.ends(topic) != self.bus.ends(topic, committed=False):
                if time.monotonic() > deadline:
                    self.faults.append(f"{run.name} {key}: SIGTERM left a transaction open")
                    break
                time.sleep(0.2)

    def disturbed(self, run, feed, key, last=(), restart=False):
        """Starts a run and its load, disturbs it, and ends the load."""
        run.start()
        feed.start()
        run.disturb(self.chance, self.arguments.kills, key,
                    self.arguments.restart_broker if restart else None)
        feed.finish(last)
        recoveries = sorted(run.recoveries)
        if recoveries:
            self.figures.append(
                f"{run.name}: {len(recoveries)} kills, {run.freezes} freezes, {feed.sent} records "
                f"sent; from start to ready {recoveries[0]:.1f}, "
                f"{statistics.median(recoveries):.1f}, {recoveries[-1]:.1f} s (least, median, most)")

    def stop(self, run):
        seconds = run.stop()
        self.figures.append(f"{run.name}: SIGTERM took {max(seconds):.1f} s at most")

    def haircut(self):
        books = Books(self.arguments.seed, START)
        shared = self.bus.topics("killed", shared=("quotes", "ivSurfaces", "positions"))
        name = "killed-haircut"
        with Run(self.bus, self.folder, name, shared, "haircut", self.delivery) as run:
            first = Feed(self.bus.bootstrap, shared["ivSurfaces"], lambda: (), 1)
            first.finish(surfaces(START))
            feed = Feed(self.bus.bootstrap, shared["quotes"], lambda: list(books.step()), 10)
            self.disturbed(run, feed, "haircuts", restart=True)
            killed = newest(run.settle("haircuts", lambda table: late_assets(table, books)))
            self.stop(run)
        self.check_outputs(run, ["haircuts"])
        self.undisturbed("haircut", self.market, "haircuts",
                         lambda table: late_assets(table, books), killed, ())

    def margin(self):
        accounts = Accounts(self.arguments.seed, START, 200)
        topics = self.bus.topics("killed", shared=("quotes", "ivSurfaces", "positions"))
        topics["haircuts"] = self.market["haircuts"]
        positions = topics["positions"]
        with Run(self.bus, self.folder, "killed-margin", topics, "margin", self.delivery) as run:
            feed = Feed(self.bus.bootstrap, positions, lambda: list(accounts.step(20)), 10)
            self.disturbed(run, feed, "marginRequirements", accounts.repaid())
            # Seen by the worker before the next: one that restores skips to the newest snapshot,
            # and would hold it against an older status.
            run.settle("marginRequirements", lambda table: late_accounts(table, accounts))
            feed.finish(accounts.last())
            killed = newest(run.settle(
                "marginRequirements", lambda table: late_accounts(table, accounts)))
            self.stop(run)
        self.check_outputs(run, ["marginRequirements"])
        self.undisturbed("margin", self.market, "marginRequirements",
                         lambda table: late_accounts(table, accounts), killed, UNSTABLE)

    def undisturbed(self, role, topics, key, is_done, killed, ignored):
        name = f"undisturbed-{role}"
        with Run(self.bus, self.folder, name, topics, role, self.delivery, 1) as run:
            run.start()
            final = newest(run.settle(key, is_done))
            self.stop(run)
        self.note(f"killed and undisturbed {key}", difference_faults(killed, final, ignored))
        self.figures.append(f"{key}: {len(final)} final values compared")

    def all(self):
        """Both stages and the loop between them: only what holds of every history is checked."""
        books, accounts = Books(self.arguments.seed, START), Accounts(self.arguments.seed, START, 200)
        topics = self.bus.topics("loop")
        with Run(self.bus, self.folder, "killed-all", topics, "all", self.delivery) as run:
            Feed(self.bus.bootstrap, topics["ivSurfaces"], lambda: (), 1).finish(surfaces(START))
            positions = Feed(
                self.bus.bootstrap, topics["positions"], lambda: list(accounts.step(20)), 5)
            positions.start()
            feed = Feed(self.bus.bootstrap, topics["quotes"], lambda: list(books.step()), 10)
            self.disturbed(run, feed, "haircuts", restart=True)
            positions.finish(accounts.last())
            run.settle("marginRequirements", lambda table: late_accounts(table, accounts))
            self.stop(run)
        self.check_outputs(run, ["haircuts", "marginRequirements"])

    def deploy(self):
        """Pauses: of a rolling deployment with and without static members, and after a death."""
        for name, static in (("static", 2), ("dynamic", 0)):
            books = Books(self.arguments.seed, START)
            topics = self.bus.topics(f"deploy-{name}")
            with Run(self.bus, self.folder, f"deploy-{name}", topics, "haircut", self.delivery,
                     static=static) as run:
                run.start()
                feed = Feed(self.bus.bootstrap, topics["quotes"], lambda: list(books.step()), 10)
                feed.start()
                arrivals = Arrivals(self.bus, topics["haircuts"])
                arrivals.start()
                time.sleep(5)
                arrivals.take()
                for service in run.services:
                    service.terminate()
                    service.start()
                    service.wait_until_ready()
                    time.sleep(2)
                deployed = arrivals.take()
                run.services[1].kill()
                time.sleep(25)
                died = arrivals.take()
                feed.finish()
                arrivals.end()
                run.settle("haircuts", lambda table: late_assets(table, books))
                run.services[0].terminate()
                self.check_outputs(run, ["haircuts"])
            self.figures.append(
                f"deploy-{name}: an asset had no table for {deployed:.1f} s at most while two "
                f"processes were replaced, and for {died:.1f} s when one died for good")


class Arrivals(threading.Thread):
    """Reads a topic as it grows and keeps the longest time between two records of one key."""

    def __init__(self, bus, topic):
        super().__init__(daemon=True)
        self.consumer = Consumer({
            "bootstrap.servers": bus.bootstrap, "group.id": "it-arrivals", "log_level": 0,
            "enable.auto.commit": False, "isolation.level": "read_committed",
            "fetch.wait.max.ms": 10})
        self.consumer.assign(
            [TopicPartition(topic, number, OFFSET_END) for number in range(bus.partitions)])
        self.is_ending, self.lock = threading.Event(), threading.Lock()
        self.last, self.longest = {}, 0.0

    def run(self):
        while not self.is_ending.is_set():
            message = self.consumer.poll(0.1)
            if message is None or message.error():
                continue
            now = time.monotonic()
            with self.lock:
                since = self.last.get(message.key(), now)
                self.longest = max(self.longest, now - since)
                self.last[message.key()] = now

    def take(self):
        """The longest time so far, one that is not over yet included; begins anew."""
        with self.lock:
            now = time.monotonic()
            longest = max([self.longest, *(now - since for since in self.last.values())])
            self.longest = 0.0
            return longest

    def end(self):
        self.is_ending.set()
        self.join()
        self.consumer.close()


def once(records, field):
    """Without the records that came before under the same key and field."""
    seen, kept = set(), []
    for record in records:
        mark = (record.key, record.value and record.value[field])
        if record.value is None or mark not in seen:
            kept.append(record)
        seen.add(mark)
    return kept


def late_assets(table, books):
    """The assets whose newest table is not of the last book."""
    return [asset for asset in books.mids
            if asset not in table or table[asset]["cause"].get("offset") is None
            or table[asset]["time"] != rfc3339(books.time)]


def late_accounts(table, accounts):
    """The accounts whose newest requirement does not rest on their last snapshot."""
    return [name for name, sequence in accounts.sequences.items()
            if table.get(name, {}).get("positionsSequence") != sequence]


def embedded_broker(runs, partitions):
    """Breakwater's own broker with the topics of the runs; it cannot be asked to create them."""
    topics = {name: 1 if key in OTHER else partitions
              for names in runs for key, name in names.items()}
    arguments = [part for name, count in topics.items() for part in ("--topic", f"{name}:{count}")]
    process = subprocess.Popen(
        [str(PROGRAM), "broker", *arguments], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip().removeprefix("bootstrap.servers=")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bootstrap")
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--kills", type=int, default=18, help="a phase; every tenth is a freeze")
    parser.add_argument("--phases", default="haircut,margin,all,deploy")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--restart-broker", help="run once, in the middle of a phase's kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the topics as they are")
    arguments = parser.parse_args()
    phases = arguments.phases.split(",")
    if (arguments.bootstrap is None) != arguments.embedded or arguments.kills < 1 \
            or not set(phases) <= {"haircut", "margin", "all", "deploy"}:
        parser.error(
            "give --bootstrap or --embedded; kills from 1; phases haircut,margin,all,deploy")
    bus, broker = Bus(arguments.bootstrap or "unused:1", arguments.partitions), None
    print(f"seed {arguments.seed}, topics {bus.name}-*")
    if arguments.embedded:
        shared = ("quotes", "ivSurfaces", "positions")
        broker, bootstrap = embedded_broker(
            [bus.topics("killed", shared), bus.topics("undisturbed", shared),
             bus.topics("loop"), bus.topics("deploy-static"), bus.topics("deploy-dynamic")],
            arguments.partitions)
        bus.use_embedded(bootstrap)
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(arguments, bus, folder)
            for phase in phases:
                getattr(trial, phase)()
    finally:
        if not arguments.keep and not arguments.embedded:
            bus.delete()
        if broker is not None:
            broker.kill()
            broker.wait()
    for line in trial.figures:
        print(line)
    for fault in trial.faults:
        print(f"FAULT {fault}")
    print(f"integration: {', '.join(phases)} in {time.monotonic() - begun:.0f} s, "
          f"{len(trial.faults)} faults")
    return 1 if trial.faults else 0


if __name__ == "__main__":
    sys.exit(main())
