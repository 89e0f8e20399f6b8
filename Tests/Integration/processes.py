"""The processes of an integration run, and the bus they share."""

import json
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.request
import uuid

from confluent_kafka import (
    OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from load import ASSETS
from outputs import Record

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build/release/breakwater"

MARKET = ["quotes", "ivSurfaces", "haircuts", "breakers", "exposures", "checkpoints"]
ACCOUNTS = ["positions", "marginRequirements", "liquidationAlerts"]
OTHER = ["controls", "deadLetters"]
# What state is restored from is compacted within seconds here, so that restores meet holes. The
# outputs are not, because every record of them is checked.
COMPACTED = ["ivSurfaces", "positions", "controls", "exposures", "checkpoints"]


def patiently(request, timeout=120):
    """Makes a request again while the broker restarts or a partition has no leader yet."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return request()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


class Bus:
    """Topics of one run on a broker, made with settings that compact within seconds."""

    def __init__(self, bootstrap, partitions):
        self.bootstrap, self.partitions, self.is_embedded = bootstrap, partitions, False
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self.name = "it-" + uuid.uuid4().hex[:8]

    def use_embedded(self, bootstrap):
        """The embedded broker, which has its topics already and no isolation."""
        self.bootstrap, self.is_embedded = bootstrap, True
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def topics(self, run, shared=()):
        """The name of each topic: of this run, or shared with the other runs."""
        return {key: f"{self.name}-{'shared' if key in shared else run}-{key}"
                for key in MARKET + ACCOUNTS + OTHER}

    def create(self, names):
        if self.is_embedded:
            return
        new = []
        existing = patiently(lambda: self.admin.list_topics(timeout=20)).topics
        for key, name in names.items():
            if name in existing:
                continue
            config = {"cleanup.policy": "delete", "retention.ms": "-1"}
            if key in COMPACTED:
                config = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01",
                          "segment.ms": "5000", "max.compaction.lag.ms": "5000"}
            count = 1 if key in OTHER else self.partitions
            new.append(NewTopic(name, count, -1, config=config))
        for future in self.admin.create_topics(new).values() if new else ():
            future.result(30)
        # A broker answers that a topic is created before all of it can be read and written.
        for topic in new:
            patiently(lambda topic=topic: self.partition_count(topic.topic))

    def partition_count(self, topic):
        """How many partitions a topic has; an error while one of them has no leader."""
        found = self.admin.list_topics(topic, timeout=20).topics[topic]
        unready = [place.id for place in found.partitions.values() if place.leader < 0]
        if found.error is not None or unready or not found.partitions:
            raise KafkaException(
                found.error or KafkaError(KafkaError.LEADER_NOT_AVAILABLE, f"{topic} {unready}"))
        return len(found.partitions)

    def delete(self):
        """Deletes the run's topics; what is left behind is said and fails nothing."""
        try:
            mine = [name for name in self.admin.list_topics(timeout=20).topics
                    if name.startswith(self.name)]
            for future in self.admin.delete_topics(mine).values() if mine else ():
                future.result(60)
        except KafkaException as error:
            print(f"topics {self.name}-* are left behind: {error}")

    def ends(self, topic, committed=True):
        """The offset behind the last record of each partition, aborted and open ones left out."""
        return patiently(lambda: self.ends_once(topic, committed))

    def ends_once(self, topic, committed):
        count = self.partition_count(topic)
        if self.is_embedded:
            consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "it-ends",
                                 "log_level": 0})
            try:
                return {number: consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=20)[1] for number in range(count)}
            finally:
                consumer.close()
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        asked = self.admin.list_offsets(
            {TopicPartition(topic, number): OffsetSpec.latest() for number in range(count)},
            isolation_level=level, request_timeout=20)
        return {place.partition: future.result(30).offset for place, future in asked.items()}

    def read(self, topic, committed=True, timeout=120):
        """Every record from the beginning to the present end, by partition in order."""
        ends = {number: end for number, end in self.ends(topic, committed).items() if end > 0}
        consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": "it-reader",
            "enable.auto.commit": False, "enable.partition.eof": True, "log_level": 0,
            "isolation.level": "read_committed" if committed else "read_uncommitted"})
        records, deadline = [], time.monotonic() + timeout
        try:
            consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in ends])
            while ends:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic} was not read to its end {ends}")
                message = consumer.poll(0.5)
                if message is None:
                    continue
                if message.error():
                    if message.error().code() == KafkaError._PARTITION_EOF:
                        if message.offset() >= ends.get(message.partition(), 0):
                            ends.pop(message.partition(), None)
                        continue
                    # All others pass, such as those of a broker that restarts, or the time does.
                    if message.error().fatal():
                        raise RuntimeError(f"{topic}: {message.error()}")
                    continue
                body = message.value()
                records.append(Record(
                    message.key().decode(), None if body is None else json.loads(body),
                    message.partition(), message.offset()))
        finally:
            consumer.close()
        return sorted(records, key=lambda record: (record.partition, record.offset))


def write_configuration(folder, bootstrap, group, topics, delivery):
    assets = "\n".join(
        f"  - {{id: {asset}, class: major, primaryVenue: house, dailyVolume: \"500000\", "
        f"depthReference: \"1000000\", systemCollateral: \"10000000\"}}" for asset in ASSETS)
    names = ", ".join(f"{key}: \"{name}\"" for key, name in topics.items())
    path = pathlib.Path(folder) / f"{group}.yaml"
    path.write_text(f"""\
kafka: {{bootstrapServers: "{bootstrap}", groupId: {group}}}
topics: {{{names}}}
delivery: {delivery}
clock: event
http: {{port: 0}}
assets:
{assets}
""", "utf-8")
    return path


class Service:
    """One `breakwater run`, started again whenever asked."""

    def __init__(self, configuration, role, instance=None):
        self.arguments = [str(PROGRAM), "run", "--config", str(configuration), "--role", role]
        self.environment = {"BREAKWATER_KAFKA__INSTANCE_ID": instance} if instance else {}
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = None

    def start(self):
        self.log.seek(0)
        self.log.truncate()
        self.process = subprocess.Popen(
            self.arguments, env=self.environment, stdout=subprocess.DEVNULL, stderr=self.log)

    def text(self):
        return pathlib.Path(self.log.name).read_text("utf-8", "replace")

    def check(self):
        if self.process.poll() is not None:
            raise RuntimeError(
                f"the service ended by itself with {self.process.returncode}: {self.text()[-2000:]}")

    def is_ready(self):
        self.check()
        lines = self.text().split("metrics: http://")
        if len(lines) < 2:
            return False
        address = lines[1].split()[0]
        try:
            with urllib.request.urlopen(f"http://{address}/readyz", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def wait_until_ready(self, timeout=120):
        begun = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - begun > timeout:
                raise TimeoutError(f"not ready within {timeout} s: {self.text()[-2000:]}")
            time.sleep(0.05)
        return time.monotonic() - begun

    def kill(self):
        self.check()
        self.process.kill()
        self.process.wait()

    def terminate(self, limit=10):
        """Asks it to end and gives the seconds that took; fails after the limit."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(limit)
        if self.process.returncode != 0:
            raise RuntimeError(f"SIGTERM gave {self.process.returncode}: {self.text()[-2000:]}")
        return time.monotonic() - begun

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
