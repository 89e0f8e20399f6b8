"""What the outputs of an exactly-once pipeline must be, as pure functions over the records read.

A record is (key, value, partition, offset) with value parsed or None for a tombstone; lists are in
the order of their partition. Every function returns faults as sentences, none when all is well.
"""

import collections

SEVERITY = {"healthy": 0, "warning": 1, "margin-call": 2, "liquidation": 3, "bankrupt": 4}

Record = collections.namedtuple("Record", "key value partition offset")


def by_key(records):
    found = collections.defaultdict(list)
    for record in records:
        found[record.key].append(record)
    return found


def partition_faults(records):
    """Every key lies in one partition: else its order means nothing."""
    places = collections.defaultdict(set)
    for record in records:
        places[record.key].add(record.partition)
    return [f"{key} is in partitions {sorted(found)}"
            for key, found in sorted(places.items()) if len(found) > 1]


def sequence_faults(records, may_repeat=False):
    """Per key the sequences are 1, 2, 3, … without gap or repeat.

    Where a repeat is allowed (at-least-once), one may begin anywhere but carries the same bytes as
    the record it repeats, and the first new one follows the largest so far.
    """
    faults = []
    for key, own in sorted(by_key(records).items()):
        seen, last = {}, 0
        for record in own:
            if record.value is None:
                continue
            sequence = record.value["sequence"]
            place = f"{key} at {record.partition}/{record.offset}"
            if sequence == last + 1:
                last = sequence
            elif sequence > last + 1:
                faults.append(f"{place}: sequence {sequence} after {last}: a gap")
                last = sequence
            elif not may_repeat:
                faults.append(f"{place}: sequence {sequence} again, {last} was there")
            elif seen.get(sequence) != record.value:
                faults.append(f"{place}: sequence {sequence} again with another content")
            seen[sequence] = record.value
    return faults


def expected_alerts(requirements):
    """The (time, previous, level) that consecutive requirements of one account call for."""
    alerts, previous = [], "healthy"
    for record in requirements:
        if record.value is None:
            previous = "healthy"
            continue
        status = record.value["status"]
        if status != previous:
            level = "cleared" if status == "healthy" else status
            alerts.append((record.value["time"], previous, level))
        previous = status
    return alerts


def alert_faults(requirements, alerts):
    """The alerts of each account are exactly the changes between consecutive requirements."""
    faults = []
    wanted, found = by_key(requirements), by_key(alerts)
    for key in sorted(set(wanted) | set(found)):
        expected = expected_alerts(wanted.get(key, []))
        actual = [(record.value["time"], record.value["previous"], record.value["level"])
                  for record in found.get(key, [])]
        for alert in expected:
            if alert not in actual:
                faults.append(f"{key}: the alert {alert} is missing")
        counts, allowed = collections.Counter(actual), collections.Counter(expected)
        for alert, count in counts.items():
            if count > allowed[alert]:
                faults.append(f"{key}: the alert {alert} came {count} times, {allowed[alert]} due")
        if not faults and actual != expected:
            faults.append(f"{key}: alerts out of order: {actual}, not {expected}")
    ids = collections.Counter(record.value["id"] for record in alerts)
    faults += [f"alert id {name} came {count} times" for name, count in ids.items() if count > 1]
    return faults


def newest(records):
    """The last value of each key, closed ones left out."""
    table = {}
    for record in records:
        if record.value is None:
            table.pop(record.key, None)
        else:
            table[record.key] = record.value
    return table


def difference_faults(found, wanted, ignored=()):
    """Two tables of newest values are equal but for the fields that may differ."""
    faults = []
    for key in sorted(set(found) | set(wanted)):
        if key not in found or key not in wanted:
            faults.append(f"{key} is only in {'one' if key in found else 'the other'} run")
            continue
        for field in sorted(set(found[key]) | set(wanted[key])):
            left, right = found[key].get(field), wanted[key].get(field)
            if field not in ignored and left != right:
                faults.append(f"{key}: {field} is {left}, uninterrupted {right}")
    return faults
