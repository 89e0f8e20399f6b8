#!/usr/bin/env python3
"""Shows that each function of outputs.py accepts a sound history and sees every fault planted."""

import sys

from outputs import (
    Record, alert_faults, difference_faults, newest, partition_faults, sequence_faults)


def table(key, sequence, offset, partition=0, **fields):
    return Record(key, {"sequence": sequence, **fields}, partition, offset)


def requirement(sequence, status):
    return table("A", sequence, sequence, status=status, time=f"t{sequence}")


def alert(sequence, previous, level, name=None):
    value = {"time": f"t{sequence}", "previous": previous, "level": level,
             "id": name or f"{sequence}{level}"}
    return Record("A", value, 0, sequence)


SOUND = [table("B", 1, 0), table("C", 1, 1), table("B", 2, 3), table("B", 3, 9)]
HISTORY = [requirement(1, "healthy"), requirement(2, "warning"), requirement(3, "warning"),
           requirement(4, "bankrupt"), requirement(5, "healthy")]
ALERTS = [alert(2, "healthy", "warning"), alert(4, "warning", "bankrupt"),
          alert(5, "bankrupt", "cleared")]

# Name, faults found, how many there must be.
CASES = [
    ("a sound run", sequence_faults(SOUND), 0),
    ("a tombstone in between", sequence_faults([SOUND[0], Record("B", None, 0, 1), SOUND[2]]), 0),
    ("a gap", sequence_faults([SOUND[0], SOUND[3]]), 1),
    ("a first sequence above 1", sequence_faults([SOUND[2]]), 1),
    ("a repeat", sequence_faults([SOUND[0], SOUND[0]]), 1),
    ("a return", sequence_faults([SOUND[0], SOUND[2], SOUND[0]]), 1),
    ("a repeat that is allowed", sequence_faults([*SOUND, SOUND[2], SOUND[3]], True), 0),
    ("a repeat with another content", sequence_faults([SOUND[0], table("B", 1, 1, x=1)], True), 1),
    ("a gap where repeats are allowed", sequence_faults([SOUND[0], SOUND[3]], True), 1),
    ("keys in their partitions", partition_faults([table("B", 1, 0), table("C", 1, 0, 1)]), 0),
    ("a key in two partitions", partition_faults([table("B", 1, 0), table("B", 2, 0, 1)]), 1),
    ("alerts that are due", alert_faults(HISTORY, ALERTS), 0),
    ("a first requirement in trouble",
     alert_faults([requirement(1, "liquidation")], [alert(1, "healthy", "liquidation")]), 0),
    ("a lost alert", alert_faults(HISTORY, ALERTS[1:]), 1),
    ("an alert twice", alert_faults(HISTORY, [*ALERTS[:1], *ALERTS]), 2),
    ("an alert twice under two names",
     alert_faults(HISTORY, [*ALERTS, alert(5, "bankrupt", "cleared", "other")]), 1),
    ("an alert of another level",
     alert_faults(HISTORY, [*ALERTS[:2], alert(5, "bankrupt", "warning")]), 2),
    ("an alert without a requirement",
     alert_faults([], [alert(1, "healthy", "warning")]), 1),
    ("alerts out of order", alert_faults(HISTORY, ALERTS[::-1]), 1),
    ("equal tables", difference_faults(newest(SOUND), newest(SOUND)), 0),
    ("a missing key", difference_faults(newest(SOUND[:1]), newest(SOUND)), 2),
    ("a key too many", difference_faults(newest(SOUND), {}), 2),
    ("a field that may differ",
     difference_faults(newest([SOUND[0]]), newest([SOUND[2]]), ["sequence"]), 0),
    ("a closed account", [] if newest([SOUND[0], Record("B", None, 0, 1)]) == {} else ["kept"], 0),
]


def main():
    wrong = [f"{name}: {len(faults)} faults, {count} planted: {faults}"
             for name, faults, count in CASES if len(faults) != count]
    for line in wrong:
        print(f"FAULT {line}")
    print(f"outputs.py: {len(CASES)} histories, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
